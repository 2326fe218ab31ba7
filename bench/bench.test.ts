import { describe, expect, it } from 'vitest';
import { callBody, callPool } from './calls.ts';
import { describeTarget, verdict } from './figures.ts';
import { parseH2load } from './load/h2load.ts';
import { parseWrk } from './load/wrk.ts';
import { readOptions } from './options.ts';
import { textTable } from './report/table.ts';
import { median, rotated } from './statistics.ts';

describe('options', () => {
  it('take names, numbers and --quick', () => {
    expect(readOptions(['--only', 'cost', '--rounds', '3'])).toMatchObject({
      only: ['cost'],
      rounds: 3,
      seconds: 3,
    });
    expect(readOptions(['--quick'])).toMatchObject({ rounds: 2, seconds: 1, quick: true });
  });

  it('name what they do not know', () => {
    expect(() => readOptions(['--only', 'speed'])).toThrow('expected cost, latency');
    expect(() => readOptions(['--rounds', '0'])).toThrow('from 1 to 50');
  });
});

describe('outputs of the load generators', () => {
  it('wrk: the line that wrk.lua writes', () => {
    const summary = parseWrk('Running 1s test\n  x\n\nSUMMARY {"requests":5,"status":2}\n');
    expect(summary).toEqual({ requests: 5, status: 2 });
    expect(() => parseWrk('unable to connect')).toThrow('no summary');
  });

  it('h2load: percentiles of the answered, count of the failed', () => {
    const log = `${Array.from({ length: 100 }, (_, n) => `17\t200\t${100 - n}`).join('\n')}\n17\t-1\t5\n17\t429\t5\n`;
    expect(parseH2load(log)).toEqual({ samples: 100, failed: 2, firstWrong: '17\t-1\t5', p50: 50, p99: 99 });
  });
});

it('calls are of about 200 bytes, each valid JSON with an id of its own', () => {
  const ids = new Set<unknown>();
  for (let n = 0; n < 100; n++) {
    const body = callBody(n);
    expect(body.length).toBeGreaterThan(180);
    expect(body.length).toBeLessThan(240);
    ids.add((JSON.parse(body) as { id: unknown }).id);
  }
  expect(ids.size).toBe(100);
  expect(
    callPool(4, ['a', 'b'])
      .split('\n')
      .map((line) => line.split('\t')[0]),
  ).toEqual(['a', 'b', 'a', 'b', '']);
});

it('figures are judged by their targets', () => {
  const figure = { name: 'x', unit: '× nginx', value: 0.7, target: { atMost: 0.7 } };
  expect(verdict(figure)).toBe('pass');
  expect(verdict({ ...figure, value: 0.71 })).toBe('miss');
  expect(verdict({ ...figure, value: Number.NaN })).toBe('miss');
  expect(verdict({ ...figure, target: null })).toBe('');
  expect(describeTarget({ ...figure, unit: '/s', target: { atLeast: 50_000 } })).toBe('≥ 50,000');
});

it('medians and turned lists', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
  expect(rotated([1, 2, 3], 4)).toEqual([2, 3, 1]);
});

it('a table aligns numbers to the right', () => {
  const lines = textTable(
    ['name', 'n'],
    [
      ['a', '10'],
      ['long name', '1'],
    ],
  ).split('\n');
  expect(lines).toEqual(['name        n', '─────────  ──', 'a          10', 'long name   1']);
});
