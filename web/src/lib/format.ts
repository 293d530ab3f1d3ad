/** Numbers, times and sizes as people read them. */

const DASH = '–';

/** Four significant digits, plain where it can be: 0.9312, 12.5, 1.2e-5, 12,345. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return DASH;
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e7) return minus(value.toExponential(2).replace('e+', 'e'));
  if (Number.isInteger(value)) return minus(value.toLocaleString('en-US'));
  const digits = Math.max(0, Math.min(6, 3 - Math.floor(Math.log10(size))));
  return minus(value.toFixed(digits));
}

/** A number on an axis: as short as it can be said. */
export function tick(value: number | null | undefined): string {
  if (value === null || value === undefined) return '';
  const size = Math.abs(value);
  if (size > 0 && (size < 1e-3 || size >= 1e6))
    return minus(Number(value.toPrecision(3)).toExponential().replace('e+', 'e'));
  return minus(Number(value.toPrecision(6)).toLocaleString('en-US', { maximumFractionDigits: 6 }));
}

/** A score such as Dice, always three decimals so that columns line up. */
export function score(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return DASH;
  return minus(value.toFixed(3));
}

export function minus(text: string): string {
  return text.replace(/^-/, '−').replace('e-', 'e−');
}

/** `4.2 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds) || seconds < 0) return DASH;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Milliseconds of a time the server gave: ISO text, or seconds since 1970. */
export function instant(time: string | number | null | undefined): number | null {
  if (time === null || time === undefined || time === '') return null;
  const ms = typeof time === 'number' ? time * 1000 : Date.parse(time);
  return Number.isFinite(ms) ? ms : null;
}

/** `2026-11-21 03:15`, in the reader's own time zone. */
export function moment(time: string | number | null | undefined): string {
  const ms = instant(time);
  if (ms === null) return DASH;
  const d = new Date(ms);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${pad(d.getHours())}:${pad(d.getMinutes())}`;
}

/** `just now`, `5 min ago`, `3 h ago`, `yesterday`, then the date. */
export function ago(time: string | number | null | undefined, now = Date.now()): string {
  const ms = instant(time);
  if (ms === null) return DASH;
  const s = (now - ms) / 1000;
  if (s < 45) return 'just now';
  if (s < 3600) return `${Math.max(1, Math.round(s / 60))} min ago`;
  if (s < 86_400) return `${Math.round(s / 3600)} h ago`;
  if (s < 2 * 86_400) return 'yesterday';
  if (s < 30 * 86_400) return `${Math.round(s / 86_400)} days ago`;
  return moment(time).slice(0, 10);
}

/** `512 B`, `14.2 kB`, `3.1 MB`. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
