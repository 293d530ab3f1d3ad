/** What the page may ask the server: a module for each noun, together as `api`. */
import { artifacts } from './artifacts';
import { cases } from './cases';
import { datasets } from './datasets';
import { home } from './home';
import { importance } from './importance';
import { media } from './media';
import { run } from './run';
import { runs } from './runs';
import { series } from './series';
import { views } from './views';
import { volumes } from './volumes';

export { ApiError, type ApiFault, errorOf, wasAborted, watchEvents } from './client';
export { tableFile } from './media';
export { blobUrl, consoleFileUrl, reportUrl } from './run';
export { tableUrl } from './runs';
export const api = {
  ...artifacts,
  ...cases,
  ...datasets,
  ...home,
  ...importance,
  ...media,
  ...run,
  ...runs,
  ...series,
  ...views,
  ...volumes,
};
