/** How a running run is going, in words. */
import type { RunningRun } from '../lib/api/home';
import { duration, moment } from '../lib/format';

/** A run that says nothing for several times as long as it usually takes, and for some minutes at least, may be stuck. */
const TIMES = 5;
const QUIET_S = 5 * 60;
/** Its process says so every other second, whatever the run does. */
const SILENT_S = 60;

export interface Going {
  /** Between 0 and 1; null where the run has not said how far it will go. */
  share: number | null;
  far: string | null;
  elapsed: string;
  ends: string | null;
  /** Why it may be stuck. */
  stalled: string | null;
}

export function going(run: RunningRun, now: number): Going {
  // Who goes beyond what it said has not said how far.
  const progress =
    run.progress?.of && run.progress.done > run.progress.of
      ? { ...run.progress, of: null, ends: null }
      : run.progress;
  const quiet = now - run.logged;
  const silent = now - run.heartbeat;
  const stalled =
    silent > SILENT_S
      ? `not heard of for ${duration(silent)}`
      : quiet > Math.max(QUIET_S, TIMES * (run.gap_s ?? 0))
        ? `nothing logged for ${duration(quiet)}`
        : null;
  return {
    share: progress?.of ? Math.min(1, Math.max(0, progress.done / progress.of)) : null,
    far:
      progress &&
      (progress.of
        ? `${progress.unit} ${progress.done} of ${progress.of}`
        : `${progress.unit} ${progress.done}`),
    elapsed: duration(now - run.created),
    // What a stuck run once promised is not worth telling.
    ends: stalled || !progress?.ends ? null : ending(progress.ends, now),
    stalled,
  };
}

/** `in 12 min, at 18:05`; the day too where it is another one. */
function ending(ends: number, now: number): string {
  const left = ends - now;
  if (left < 5) return 'any moment';
  const [at, today] = [moment(ends), moment(now)];
  const when = at.slice(0, 10) === today.slice(0, 10) ? at.slice(11) : at.slice(5);
  return `in ${coarse(left)}, at ${when}`;
}

/** An estimate has no seconds beyond the first minutes. */
function coarse(seconds: number): string {
  return seconds < 120
    ? duration(seconds)
    : seconds < 3600
      ? `${Math.round(seconds / 60)} min`
      : duration(seconds);
}
