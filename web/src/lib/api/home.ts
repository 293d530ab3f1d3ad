import { json, part } from './client';
import type { components } from './schema';
import type { RunStatus } from './types';

type Said = components['schemas'];

export type RunningRun = Said['RunningRun'];
export type EndedRun = Omit<Said['EndedRun'], 'status'> & { status: RunStatus };
export type MadeVersion = Said['MadeVersion'];
export type Verdict = Said['Verdict'];
export type Home = Omit<Said['Home'], 'ended'> & { ended: EndedRun[] };
export type Disk = Said['HomeDisk'];
export type FoundRun = Omit<Said['FoundRun'], 'status'> & { status: RunStatus };
export type FoundName = Said['FoundName'];
export type Found = { runs: FoundRun[]; artifacts: FoundName[] };

export const home = {
  home: (since: number | null, signal?: AbortSignal) =>
    json<Home>(since === null ? '/home' : `/home?since=${since}`, signal),
  homeDisk: (signal?: AbortSignal) => json<Disk>('/home/disk', signal),
  jump: (text: string, signal?: AbortSignal) => json<Found>(`/jump?q=${part(text.slice(0, 200))}`, signal),
};
