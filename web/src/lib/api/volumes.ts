import { json, part, reply } from './client';
import type { CaseVolume, CaseVolumes } from './types';

export const volumes = {
  volumes: (run: string, signal?: AbortSignal) => json<CaseVolumes[]>(`/runs/${part(run)}/volumes`, signal),
  /** At the newest step where none is given, and under the name that was logged last. */
  volume: (
    run: string,
    caseId: string,
    step: number | null,
    name: string | null = null,
    signal?: AbortSignal,
  ) => {
    const asked = new URLSearchParams();
    if (step !== null) asked.set('step', String(step));
    if (name !== null) asked.set('name', name);
    const query = asked.size ? `?${asked}` : '';
    return json<CaseVolume>(`/runs/${part(run)}/volumes/${part(caseId)}${query}`, signal);
  },
  /** A blob as a file: the name carries the extension by which the viewer knows the format. */
  blob: async (url: string, signal?: AbortSignal): Promise<File> => {
    const response = await reply(url, signal);
    const name = decodeURIComponent(url.split('?')[0]?.split('/').pop() ?? 'volume.nii.gz');
    return new File([await response.blob()], name);
  },
};
