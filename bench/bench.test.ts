import { describe, expect, it } from 'vitest';
import { callBody, callPool, requestPool } from './calls.ts';
import { describeTarget, verdict } from './figures.ts';
import { parseH2load } from './load/h2load.ts';
import { type PaceSample, parsePaceSamples } from './load/pace.ts';
import { parseWrk } from './load/wrk.ts';
import { readOptions, usage } from './options.ts';
import { textTable } from './report/table.ts';
import { backAfter, timesOf } from './scenarios/node-killed.ts';
import { upstreamsFigures } from './scenarios/upstreams.ts';
import { configOf, holdingCache, withoutCache } from './servers/polymorph.ts';
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

  it('run every family unless some are named, and say which there are', () => {
    const { only } = readOptions([]) as Exclude<ReturnType<typeof readOptions>, 'help'>;
    expect(only).toEqual([
      'cost',
      'latency',
      'memory',
      'reload',
      'upstreams',
      'websocket',
      'instances',
      'start',
    ]);
    for (const family of only) expect(usage).toContain(`\n  ${family}`);
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

it('pace: each call with its moment, its time and whether it was right', () => {
  expect(parsePaceSamples('1000 250 1\n2000 90 0\n')).toEqual([
    { due: 1000, took: 250, right: true },
    { due: 2000, took: 90, right: false },
  ]);
});

describe('a node killed under load', () => {
  /** A call each millisecond for two seconds, the kill in the middle, and calls in the `slow` ms after it late. */
  const load = (slow: (afterMs: number) => boolean): PaceSample[] =>
    Array.from({ length: 5001 }, (_, n) => ({
      due: n * 1000,
      took: n >= 1000 && slow(n - 1000) ? 50_000 : 300,
      right: true,
    }));

  it('is not noticed where nothing changes', () => {
    const times = timesOf(
      load(() => false),
      1_000_000,
    );
    expect(times).toEqual({ p99Before: 300, worstWindow: 300, longest: 300, backAfterMs: 0 });
  });

  it('is over with the first of four sound windows in a row', () => {
    const times = timesOf(
      load((after) => after < 260 || (after >= 600 && after < 620)),
      1_000_000,
    );
    // the windows of 0, 250 and 500 ms are late
    expect(times).toEqual({ p99Before: 300, worstWindow: 50_000, longest: 50_000, backAfterMs: 750 });
  });

  it('is never over where calls stay late', () => {
    expect(
      timesOf(
        load(() => true),
        1_000_000,
      ).backAfterMs,
    ).toBeNaN();
    expect(backAfter([1, 1, 1, 9, 1, 1, 1, 9], 2)).toBeNaN();
  });

  it('gives the worst of its rounds as its figures', () => {
    const kill = { failed: 1, p99Before: 300, worstWindow: 900, longest: 1500, backAfterMs: 250 };
    const rounds = { identical: 64, delayMs: 200, seen: [1, 2], rate: 2000 };
    const kills = [kill, { ...kill, failed: 2, backAfterMs: 500 }];
    const figures = upstreamsFigures({ ...rounds, kills });
    expect(figures.map(({ value }) => value)).toEqual([2, 3, 500]);
    expect(figures.map(verdict)).toEqual(['miss', 'miss', 'pass']);
    const [, , back] = upstreamsFigures({ ...rounds, kills: [kill, { ...kill, backAfterMs: Number.NaN }] });
    expect(verdict(back!)).toBe('miss');
  });
});

describe('the config of what is measured', () => {
  const setup = { name: 'x', mode: 'pipelined', workers: 1, upstreamPorts: [1001, 1002, 1003] } as const;

  it('says nothing of caches to a program that knows none', () => {
    expect(configOf(setup, 1, 2, true)).toContain('cache: { max_bytes: 64KiB');
    expect(configOf({ ...setup, cache: holdingCache }, 1, 2, true)).toContain('cache: { head_ttl: 1m }');
    expect(configOf({ ...setup, ...withoutCache }, 1, 2, true)).toContain(
      'cache: { enabled: false }\ncoalesce: false\n',
    );
    expect(configOf({ ...setup, ...withoutCache }, 1, 2, false)).not.toMatch(/cache|coalesce/);
  });
});

it('requests for pace are the calls of the pool', () => {
  const requests = requestPool(2, ['a', 'b']).split(/(?=POST \/ )/);
  expect(requests.map((text) => text.split('\r\n\r\n')[1])).toEqual([callBody(0), callBody(1)]);
  expect(requests[1]).toContain('X-API-Key: b\r\n');
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
