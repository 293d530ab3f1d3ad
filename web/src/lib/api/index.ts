/** What the page may ask the server: a module for each noun, together as `api`. */
import { importance } from './importance';
import { runs } from './runs';
import { series } from './series';
import { volumes } from './volumes';

export { ApiError, type ApiFault, errorOf, wasAborted, watchEvents } from './client';
export { tableUrl } from './runs';
export const api = { ...importance, ...runs, ...series, ...volumes };
