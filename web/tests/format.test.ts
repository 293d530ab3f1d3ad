import { expect, test } from 'vitest';
import { ago, bytes, duration, instant, number, score, tick } from '../src/lib/format';

test('numbers keep four significant digits and a true minus', () => {
  expect([0.93124, 12.5, 12345, -0.5, 0, 1.2e-5, 3e9].map(number)).toEqual([
    '0.9312',
    '12.50',
    '12,345',
    '−0.5000',
    '0',
    '1.20e−5',
    '3.00e9',
  ]);
  expect([null, undefined, Number.NaN].map(number)).toEqual(['–', '–', '–']);
});

test('an axis says numbers as briefly as it can', () => {
  expect([0.25, 1, 0.0002, 1500, 0].map(tick)).toEqual(['0.25', '1', '2e−4', '1,500', '0']);
});

test('scores line up', () => {
  expect([1, 0.9, null].map(score)).toEqual(['1.000', '0.900', '–']);
});

test('durations grow from seconds to days', () => {
  expect([4.21, 59.7, 200, 7500, 273_600, -1, null].map(duration)).toEqual([
    '4.2 s',
    '1 min 00 s',
    '3 min 20 s',
    '2 h 05 min',
    '3 d 4 h',
    '–',
    '–',
  ]);
});

test('a time is ISO text or seconds', () => {
  expect(instant('2026-11-21T00:00:00Z')).toBe(instant(Date.UTC(2026, 10, 21) / 1000));
  expect(instant('never')).toBeNull();
  expect(ago('2026-11-21T00:00:00Z', Date.UTC(2026, 10, 21, 0, 5))).toBe('5 min ago');
});

test('sizes', () => {
  expect([512, 14_230, 3_100_000].map(bytes)).toEqual(['512 B', '14.2 kB', '3.1 MB']);
});
