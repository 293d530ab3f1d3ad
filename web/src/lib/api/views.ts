import { json, part, send } from './client';
import type { components } from './schema';

export type View = components['schemas']['View'];
export type ViewChanges = Partial<components['schemas']['ViewChanges']>;

export const views = {
  views: (page: string, signal?: AbortSignal) => json<View[]>(`/views?page=${part(page)}`, signal),
  saveView: (view: components['schemas']['NewView']) => send<View>('POST', '/views', view),
  changeView: (id: number, changes: ViewChanges) =>
    send<View>('PATCH', `/views/${part(String(id))}`, changes),
  deleteView: (id: number) => send('DELETE', `/views/${part(String(id))}`),
};
