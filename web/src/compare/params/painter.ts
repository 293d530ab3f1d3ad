/** Draws many things on a canvas without ever holding up the page: as many in each frame as a frame has time for. */

const FRAME_MS = 14;
const SLOW_MS = 30;

export class Painter {
  #canvas: HTMLCanvasElement;
  #frame = 0;
  #chunk = 1000;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
  }

  /** Clears and draws anew, `draw` being called for each item in an order that shows the whole from the first part on. */
  paint(
    width: number,
    height: number,
    items: ArrayLike<number>,
    draw: (pen: CanvasRenderingContext2D, item: number) => void,
    before?: (pen: CanvasRenderingContext2D) => void,
  ): void {
    cancelAnimationFrame(this.#frame);
    const canvas = this.#canvas;
    const order = strewn(items);
    let at = 0;
    let last = 0;
    const part = (now: number) => {
      const pen = canvas.getContext('2d');
      if (!pen || width < 1 || height < 1) return;
      // What a frame costs shows only in when the next one comes: a canvas is drawn after the script is done.
      if (last > 0 && now - last > SLOW_MS) this.#chunk = Math.max(150, this.#chunk / 2);
      else if (last > 0 && now - last < SLOW_MS - 8) this.#chunk = Math.min(10_000, this.#chunk * 1.5);
      last = now;
      if (at === 0) {
        const dense = Math.min(2, devicePixelRatio || 1);
        if (canvas.width !== Math.round(width * dense) || canvas.height !== Math.round(height * dense)) {
          canvas.width = Math.round(width * dense);
          canvas.height = Math.round(height * dense);
        }
        pen.setTransform(dense, 0, 0, dense, 0, 0);
        pen.clearRect(0, 0, width, height);
        before?.(pen);
      }
      const began = performance.now();
      const end = Math.min(order.length, at + Math.round(this.#chunk));
      while (at < end && performance.now() - began < FRAME_MS) {
        for (const stop = Math.min(end, at + 64); at < stop; at++) draw(pen, order[at] ?? 0);
      }
      if (at < order.length) this.#frame = requestAnimationFrame(part);
      else canvas.dataset.drawn = String(order.length);
    };
    this.#frame = requestAnimationFrame(part);
  }

  stop(): void {
    cancelAnimationFrame(this.#frame);
  }
}

/** Items so ordered that any beginning of them is spread over all: a step that shares no factor with their number. */
export function strewn(items: ArrayLike<number>): Int32Array {
  const count = items.length;
  const found = new Int32Array(count);
  let step = Math.max(1, Math.round(count * 0.618));
  while (divisor(step, count) > 1) step++;
  for (let i = 0, at = 0; i < count; i++, at = (at + step) % count) found[i] = items[at] ?? 0;
  return found;
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}
