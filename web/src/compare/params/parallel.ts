/** Parallel coordinates as geometry: where axes stand, where lines run, and which of them a pointer means. */
import { places, type Scale } from './scale';
import type { Column } from './table';

export interface Axis {
  column: Column;
  scale: Scale;
  flipped: boolean;
  /** Where the axis stands. */
  x: number;
  /** Where each run crosses it. */
  y: Float32Array;
}

export interface Frame {
  width: number;
  height: number;
  /** The upper and the lower end of every axis, and the place below for what is missing. */
  top: number;
  bottom: number;
  none: number;
}

/** The room beside the outer axes, for their numbers and half of their heads. */
export const SIDE = 66;
/** A line is meant within so many pixels. */
const NEAR = 9;

export function frameOf(width: number, height: number, someMissing: boolean): Frame {
  const bottom = height - (someMissing ? 34 : 10);
  return { width, height, top: 10, bottom, none: height - 14 };
}

export function axisX(at: number, count: number, width: number): number {
  if (count < 2) return width / 2;
  return SIDE + (at * (width - 2 * SIDE)) / (count - 1);
}

/** A share of the axis as a height on the page, and back. */
export function heightAt(frame: Frame, flipped: boolean, share: number): number {
  return frame.bottom - (flipped ? 1 - share : share) * (frame.bottom - frame.top);
}

export function shareAt(frame: Frame, flipped: boolean, y: number): number {
  const share = (frame.bottom - y) / (frame.bottom - frame.top);
  return flipped ? 1 - share : share;
}

export function axesOf(
  columns: readonly Column[],
  scales: ReadonlyMap<string, Scale>,
  flipped: ReadonlySet<string>,
  frame: Frame,
): Axis[] {
  return columns.flatMap((column, at) => {
    const scale = scales.get(column.key);
    if (!scale) return [];
    const over = flipped.has(column.key);
    const y = new Float32Array(column.values.length);
    places(column, scale).forEach((share, run) => {
      y[run] = Number.isNaN(share) ? frame.none : heightAt(frame, over, share);
    });
    return [{ column, scale, flipped: over, x: axisX(at, columns.length, frame.width), y }];
  });
}

/** A run's line as a path for a canvas. */
export function trace(pen: CanvasRenderingContext2D, axes: readonly Axis[], run: number): void {
  pen.beginPath();
  for (let at = 0; at < axes.length; at++) {
    const axis = axes[at];
    if (!axis) continue;
    if (at === 0) pen.moveTo(axis.x, axis.y[run] ?? 0);
    else pen.lineTo(axis.x, axis.y[run] ?? 0);
  }
  pen.stroke();
}

/** The line that passes nearest below or above a point, and how many others pass as near; null where none is near. */
export function lineAt(
  axes: readonly Axis[],
  runs: ArrayLike<number>,
  x: number,
  y: number,
): { run: number; others: number } | null {
  const right = axes.findIndex((axis) => axis.x >= x);
  const [a, b] = right <= 0 ? [axes[0], axes[0]] : [axes[right - 1], axes[right]];
  if (!a || !b || x < a.x - NEAR || (right < 0 && x > (axes.at(-1)?.x ?? 0) + NEAR)) return null;
  const part = a === b ? 0 : (x - a.x) / (b.x - a.x);
  let [run, nearest, others] = [-1, NEAR, 0];
  for (let i = 0; i < runs.length; i++) {
    const one = runs[i] ?? 0;
    const at = (a.y[one] ?? 0) + part * ((b.y[one] ?? 0) - (a.y[one] ?? 0));
    const away = Math.abs(at - y);
    if (away < nearest - 0.25) [run, nearest, others] = [one, away, 0];
    else if (run >= 0 && away < nearest + 0.25) others++;
  }
  return run < 0 ? null : { run, others };
}

/** How opaque one of so many lines is, so that few are plain and many show where they crowd. */
export function opacity(lines: number): number {
  return Math.max(0.07, Math.min(0.9, 24 / Math.max(1, lines) ** 0.7));
}

/** How thick one of so many lines is. Lines of one point of the screen are drawn several times as fast as thicker ones. */
export function hairline(lines: number): number {
  return lines > 300 ? 1 / Math.min(2, globalThis.devicePixelRatio || 1) : 1.5;
}
