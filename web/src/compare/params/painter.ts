/** Draws many things on a canvas without ever holding up the page: as many in each frame as a frame has time for. */

const FRAME_MS = 10;
/** A frame that took longer was too long, a shorter one had room; after a pause nothing is known of either. */
const SLOW_MS = 30;
const QUICK_MS = 22;
const PAUSE_MS = 400;

type Pen = CanvasRenderingContext2D;

export class Painter {
  #canvas: HTMLCanvasElement;
  #frame = 0;
  #chunk = 600;
  #last = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
  }

  /** Clears and draws anew, `draw` being called for each item in an order that shows the whole from the first part on. What is
   *  drawn `quietly` replaces what was there when it is done: nobody has asked for it, so nobody should see it happen. */
  paint(
    [width, height]: [number, number],
    items: ArrayLike<number>,
    draw: (pen: Pen, item: number) => void,
    before?: (pen: Pen) => void,
    quietly = false,
  ): void {
    cancelAnimationFrame(this.#frame);
    if (width < 1 || height < 1) return;
    const canvas = quietly ? document.createElement('canvas') : this.#canvas;
    const order = strewn(items);
    let at = 0;
    const part = (now: number) => {
      const pen = penOf(canvas);
      if (!pen) return;
      this.#learn(now);
      if (at === 0) {
        clear(canvas, pen, width, height);
        before?.(pen);
      }
      const began = performance.now();
      const end = Math.min(order.length, at + Math.round(this.#chunk));
      while (at < end && performance.now() - began < FRAME_MS)
        for (const stop = Math.min(end, at + 64); at < stop; at++) draw(pen, order[at] ?? 0);
      if (at < order.length) this.#frame = requestAnimationFrame(part);
      else this.#finish(canvas, width, height, order.length);
    };
    this.#frame = requestAnimationFrame(part);
  }

  stop(): void {
    cancelAnimationFrame(this.#frame);
  }

  /** What a frame costs shows only in when the next one comes, for a canvas is drawn after the script is done. While something
   *  is dragged every frame begins a drawing anew, so what one costs is learnt across them. */
  #learn(now: number): void {
    const took = now - this.#last;
    this.#last = now;
    if (took > PAUSE_MS) return;
    if (took > SLOW_MS) this.#chunk = Math.max(100, this.#chunk / 2);
    else if (took < QUICK_MS) this.#chunk = Math.min(10_000, this.#chunk * 1.3);
  }

  #finish(canvas: HTMLCanvasElement, width: number, height: number, count: number): void {
    const pen = penOf(this.#canvas);
    if (canvas !== this.#canvas && pen) {
      clear(this.#canvas, pen, width, height);
      pen.globalAlpha = 1;
      pen.drawImage(canvas, 0, 0, width, height);
    }
    this.#canvas.dataset.drawn = String(count);
  }
}

/** Drawn by the processor: many thin see-through lines are no work for a graphics card, least of all for one that is imitated. */
function penOf(canvas: HTMLCanvasElement): Pen | null {
  return canvas.getContext('2d', { willReadFrequently: true });
}

function clear(canvas: HTMLCanvasElement, pen: Pen, width: number, height: number): void {
  const dense = Math.min(2, devicePixelRatio || 1);
  const [across, down] = [Math.round(width * dense), Math.round(height * dense)];
  if (canvas.width !== across) canvas.width = across;
  if (canvas.height !== down) canvas.height = down;
  pen.setTransform(dense, 0, 0, dense, 0, 0);
  pen.clearRect(0, 0, width, height);
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
