/** How a picture lies in its frame: scaled about a point, and moved. */

export interface Zoom {
  scale: number;
  x: number;
  y: number;
}

export const WHOLE: Zoom = { scale: 1, x: 0, y: 0 };
const MOST = 64;

/** Scaled by a factor, while the point stays under the pointer; points are measured from the frame's middle. */
export function zoomed(zoom: Zoom, factor: number, x: number, y: number): Zoom {
  const scale = Math.min(MOST, Math.max(1, zoom.scale * factor));
  if (scale === 1) return WHOLE;
  const by = scale / zoom.scale;
  return { scale, x: x - (x - zoom.x) * by, y: y - (y - zoom.y) * by };
}

export function moved(zoom: Zoom, dx: number, dy: number): Zoom {
  return zoom.scale === 1 ? zoom : { ...zoom, x: zoom.x + dx, y: zoom.y + dy };
}
