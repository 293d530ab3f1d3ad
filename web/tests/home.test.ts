import { describe, expect, test } from 'vitest';
import { targets } from '../src/frame/jump';
import { EVERYWHERE, Leader } from '../src/frame/keys';
import { hereOf, PLACES, placeUrl } from '../src/frame/pages';
import { going } from '../src/home/going';
import { countsOf, newsOf, versionUrl } from '../src/home/news';
import { changeOf, ordered, summary } from '../src/home/verdicts';
import { newFrom, readVisits, visited } from '../src/home/visit';
import type { EndedRun, MadeVersion, RunningRun, Verdict } from '../src/lib/api/home';
import { parseRoute } from '../src/lib/route';
import { choiceOf, themeOf } from '../src/lib/theme.svelte';

const MINUTE = 60;
const HOUR = 3600;

describe('visits', () => {
  test('the first has nothing before it', () => {
    expect(visited(null, 100)).toEqual({ before: null, seen: 100 });
  });

  test('go on while somebody looks, and end after half an hour', () => {
    const first = visited(null, 0);
    const still = visited(first, 20 * MINUTE);
    expect(still).toEqual({ before: null, seen: 20 * MINUTE });
    const next = visited(still, 10 * HOUR);
    expect(next).toEqual({ before: 20 * MINUTE, seen: 10 * HOUR });
    expect(visited(next, 10 * HOUR + 5)).toEqual({ before: 20 * MINUTE, seen: 10 * HOUR + 5 });
  });

  test.each(['', 'null', '{', '[]', '{"seen":"x","before":null}', '{"seen":1}'])('%s is no visit', (text) => {
    expect(readVisits(text)).toBeNull();
  });

  test('what is new begins at the last visit, or a week ago', () => {
    const now = 1e9;
    expect(newFrom('visit', { before: 5, seen: 6 }, now)).toBe(5);
    expect(newFrom('visit', { before: null, seen: 6 }, now)).toBe(now - 7 * 24 * HOUR);
    expect(newFrom('day', { before: 5, seen: 6 }, now)).toBe(now - 24 * HOUR);
  });
});

describe('a running run', () => {
  const run: RunningRun = {
    id: 'a',
    name: 'unet',
    experiment: 'spleen',
    created: 1000,
    heartbeat: 2000,
    logged: 1990,
    gap_s: 10,
    progress: { unit: 'epoch', done: 12, of: 40, ends: 2000 + 14 * MINUTE },
    metric: null,
    line: null,
  };

  test('tells how far it is and when it ends', () => {
    expect(going(run, 2000)).toMatchObject({
      share: 0.3,
      far: 'epoch 12 of 40',
      elapsed: '16 min 40 s',
      stalled: null,
    });
    expect(going(run, 2000).ends).toMatch(/^in 14 min, at \d\d:\d\d$/);
  });

  test('is perhaps stuck when it says nothing for several times as long as usual', () => {
    const later = 1990 + 6 * MINUTE;
    expect(going({ ...run, heartbeat: later }, later)).toMatchObject({
      stalled: 'nothing logged for 6 min 00 s',
      ends: null,
    });
    // One that takes two minutes a step is not.
    expect(going({ ...run, heartbeat: later, gap_s: 120 }, later).stalled).toBeNull();
    expect(going(run, 2000 + 90).stalled).toBe('not heard of for 1 min 30 s');
  });

  test('without a limit, or beyond it, has no share', () => {
    const progress = { unit: 'step' as const, done: 7, of: null, ends: null };
    expect(going({ ...run, progress }, 2000)).toMatchObject({ share: null, far: 'step 7', ends: null });
    expect(going({ ...run, progress: { ...progress, of: 5 } }, 2000)).toMatchObject({
      share: null,
      far: 'step 7',
    });
    expect(going({ ...run, progress: null }, 2000)).toMatchObject({ share: null, far: null });
  });
});

describe('news', () => {
  const ended = (id: string, at: number): EndedRun => ({
    id,
    name: id,
    experiment: 'e',
    status: 'finished',
    ended: at,
    duration_s: 1,
    metric: null,
    value: null,
    line: null,
  });
  const made = (ref: string, at: number, run: string | null, kind = 'model'): MadeVersion => ({
    ref,
    name: ref.split(':')[0] ?? '',
    kind,
    aliases: [],
    created: at,
    run_id: run,
    run_name: run,
    dice: null,
    cases: null,
  });

  test('are told once, a version with the run that made it', () => {
    const news = newsOf(
      {
        ended: [ended('b', 30), ended('a', 10)],
        made: [made('net:v1', 29, 'b'), made('scans:v2', 20, null, 'dataset')],
      },
      15,
    );
    expect(news.fresh.map((item) => [item.run?.id ?? null, item.made.map((v) => v.ref)])).toEqual([
      ['b', ['net:v1']],
      [null, ['scans:v2']],
    ]);
    expect(news.earlier.map((item) => item.run?.id)).toEqual(['a']);
  });

  test('lead to where they are looked at', () => {
    expect(versionUrl(made('net:v3', 1, null))).toBe('/artifacts/net?version=3');
    expect(versionUrl(made('scans:v2', 1, null, 'dataset'))).toBe('/data/scans?version=2');
    expect(countsOf({ failed: 1, finished: 1200 }).map((one) => one.text)).toEqual([
      '1,200 finished',
      '1 failed',
    ]);
  });
});

describe('verdicts', () => {
  const verdict = (word: Verdict['word'], ended: number, dropped = 0) =>
    ({ word, ended, dropped_total: dropped }) as Verdict;

  test('bring the worst first', () => {
    const all = [verdict('first', 9), verdict('better', 8), verdict('worse', 1), verdict('worse', 2)];
    expect(ordered(all).map((one) => [one.word, one.ended])).toEqual([
      ['worse', 2],
      ['worse', 1],
      ['better', 8],
      ['first', 9],
    ]);
    expect(summary(all)).toBe('What got worse');
    expect(summary([verdict('better', 1, 2)])).toBe('Only single cases got worse');
    expect(summary([verdict('first', 1)])).toBe('First results');
    expect(summary([verdict('same', 1)])).toBe('Nothing got worse');
  });

  test('changes have their sign', () => {
    expect(changeOf(0.9, 0.85)).toBe('−0.050');
    expect(changeOf(0.5, 0.75)).toBe('+0.250');
    expect(changeOf(12, 30.5)).toBe('+18.50');
  });
});

describe('the frame', () => {
  test('g and a letter lead to a page, in time', () => {
    const leader = new Leader();
    expect(leader.press('g', 0)).toBe('lead');
    expect(leader.press('r', 500)).toBe('r');
    expect(leader.press('r', 600)).toBeNull();
    leader.press('g', 1000);
    expect(leader.press('r', 3000)).toBeNull();
    leader.press('g', 4000);
    expect(leader.press('x', 4100)).toBeNull();
    expect(leader.press('r', 4200)).toBeNull();
    expect(new Set(PLACES.map((place) => place.key)).size).toBe(PLACES.length);
    expect(EVERYWHERE.map(([key]) => key)).toContain('g h');
  });

  test('goes on with the run that is looked at', () => {
    const run = parseRoute('/runs/ab12', '');
    expect(hereOf(run)?.page).toBe('runs');
    const cases = PLACES.find((place) => place.page === 'cases');
    expect(cases && placeUrl(cases, run)).toBe('/cases?run=ab12');
    expect(hereOf(parseRoute('/nowhere', ''))).toBeUndefined();
  });

  test('a few letters offer pages, runs, artifacts and a search, hostile names as they are', () => {
    const found = {
      runs: [{ id: 'a/b', name: '<script>', experiment: 'e', status: 'finished' as const, created: 0 }],
      artifacts: [
        { name: 'net', kind: 'model', version: 3 },
        { name: 'scans', kind: 'dataset', version: 1 },
      ],
    };
    const offers = targets(' ca ', parseRoute('/', ''), found);
    expect(offers.map((one) => [one.group, one.name, one.url])).toEqual([
      ['Pages', 'Cases', '/cases'],
      ['Runs', '<script>', '/runs/a%2Fb'],
      ['Models and files', 'net', '/artifacts/net'],
      ['Datasets', 'scans', '/data/scans'],
      ['Search', 'Runs that fit “ca”', '/runs?q=ca'],
    ]);
    expect(targets('', parseRoute('/', ''), null)).toHaveLength(PLACES.length);
  });

  test('the theme is the one asked for, remembered, or dark', () => {
    expect(choiceOf('?theme=light', 'dark')).toBe('light');
    expect(choiceOf('', 'system')).toBe('system');
    expect(choiceOf('?theme=zzz', 'light')).toBe('dark');
    expect(choiceOf('', null)).toBe('dark');
    expect(themeOf('system', true)).toBe('light');
    expect(themeOf('dark', true)).toBe('dark');
  });
});
