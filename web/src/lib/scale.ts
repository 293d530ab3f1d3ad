/** The heat scale: cividis, which reads the same with and without colour vision, and in grey. */

const CIVIDIS: readonly [number, number, number][] = [
  [0, 34, 78],
  [18, 53, 112],
  [59, 73, 108],
  [87, 93, 109],
  [112, 113, 115],
  [138, 134, 120],
  [165, 156, 116],
  [195, 179, 105],
  [225, 204, 85],
  [254, 232, 56],
];

/** Cividis for thin lines: from blue to yellow by lightness, without the end that the ground would swallow. */
const LINES: Record<'dark' | 'light', readonly [number, number, number][]> = {
  dark: [
    [72, 112, 196],
    [104, 133, 176],
    [143, 154, 155],
    [188, 181, 128],
    [226, 208, 92],
    [255, 236, 70],
  ],
  light: [
    [0, 34, 98],
    [34, 66, 124],
    [78, 90, 118],
    [111, 111, 98],
    [140, 126, 66],
    [166, 138, 24],
  ],
};

/** The colour of a share between 0 and 1, as [r, g, b]. */
export function heat(share: number): [number, number, number] {
  return between(CIVIDIS, share);
}

/** The colour of a line or a point by a share between 0 and 1; its lightness alone tells the order, on either ground. */
export function ramp(share: number, theme: 'dark' | 'light'): [number, number, number] {
  return between(LINES[theme], share);
}

function between(stops: readonly [number, number, number][], share: number): [number, number, number] {
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const low = Math.floor(at);
  const a = stops[low] ?? [0, 0, 0];
  const b = stops[Math.min(low + 1, stops.length - 1)] ?? a;
  const t = at - low;
  return [mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)];
}

export function css([r, g, b]: readonly [number, number, number]): string {
  return `rgb(${r} ${g} ${b})`;
}

/** Black or white, whichever reads better on the colour. */
export function ink([r, g, b]: readonly [number, number, number]): string {
  const [lr, lg, lb] = [r, g, b].map((v) =>
    v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4,
  );
  const light = 0.2126 * (lr ?? 0) + 0.7152 * (lg ?? 0) + 0.0722 * (lb ?? 0);
  return light > 0.18 ? '#0a0d11' : '#ffffff';
}

function mix(a: number, b: number, t: number): number {
  return Math.round(a + (b - a) * t);
}
