import { json, part, reply } from './client';
import type { CaseVolume, CaseVolumes } from './types';

export const volumes = {
  volumes: (run: string, signal?: AbortSignal) => json<CaseVolumes[]>(`/runs/${part(run)}/volumes`, signal),
  volume: (run: string, caseId: string, step: number | null, signal?: AbortSignal) =>
    json<CaseVolume>(
      `/runs/${part(run)}/volumes/${part(caseId)}${step === null ? '' : `?step=${step}`}`,
      signal,
    ),
  /** A blob as a file: the name carries the extension by which the viewer knows the format. */
  blob: async (url: string, signal?: AbortSignal): Promise<File> => {
    const response = await reply(url, signal);
    const name = decodeURIComponent(url.split('?')[0]?.split('/').pop() ?? 'volume.nii.gz');
    return new File([await response.blob()], name);
  },
};
