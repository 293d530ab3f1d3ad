/** Fetches and unpacks volumes beside the page, so that the page goes on answering. */
import { type LabelMap, readLabels, readScan, type Scan, VolumeError } from './volume';

export interface Wanted {
  id: number;
  url: string;
  kind: 'scan' | 'labels';
}

export type Answer =
  | { id: number; scan: Scan }
  | { id: number; labels: LabelMap }
  | { id: number; status: number; body: string }
  | { id: number; fault: string };

const worker = self as unknown as Worker;

worker.onmessage = async ({ data: { id, url, kind } }: MessageEvent<Wanted>) => {
  const name = decodeURIComponent(url.split('?')[0]?.split('/').pop() ?? 'the volume');
  try {
    const response = await fetch(url);
    if (!response.ok) return tell({ id, status: response.status, body: await response.text() });
    const content = await unpacked(response, name);
    if (kind === 'scan') {
      const scan = readScan(content, name);
      tell({ id, scan }, [scan.data.buffer as ArrayBuffer]);
    } else {
      const labels = readLabels(content, name);
      tell({ id, labels }, [labels.data.buffer as ArrayBuffer]);
    }
  } catch (error) {
    const said =
      error instanceof VolumeError
        ? error.message
        : error instanceof RangeError
          ? `${name} is too large for this browser's memory.`
          : null;
    tell(said ? { id, fault: said } : { id, status: 0, body: String(error) });
  }
};

function tell(answer: Answer, moved: Transferable[] = []): void {
  worker.postMessage(answer, moved);
}

async function unpacked(response: Response, name: string): Promise<ArrayBuffer> {
  const content = await response.arrayBuffer();
  const [a, b] = new Uint8Array(content, 0, Math.min(2, content.byteLength));
  if (a !== 0x1f || b !== 0x8b) return content;
  try {
    return await new Response(
      new Blob([content]).stream().pipeThrough(new DecompressionStream('gzip')),
    ).arrayBuffer();
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new VolumeError(`${name} cannot be unpacked: the file is damaged or was cut off.`);
  }
}
