import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readOptions } from '../options.ts';
import { costFigures, type CostRow } from '../scenarios/cost.ts';
import { startsFigures } from '../scenarios/start.ts';
import { latencyFigures, type LatencyRow } from '../scenarios/latency.ts';
import { instancesFigures } from '../scenarios/instances.ts';
import { memoryFigures } from '../scenarios/memory.ts';
import { reloadFigures } from '../scenarios/reload.ts';
import { upstreamsFigures } from '../scenarios/upstreams.ts';
import { websocketFigures } from '../scenarios/websocket.ts';
import { askedTable } from './asked-table.ts';
import { askedFor, parts } from './asked.ts';
import { performancePage } from './performance-page.ts';
import type { Results } from './results.ts';

const project = join(import.meta.dirname, '../..');
const instances = { memory: [20], leased: [20], exact: [38], exactPerSecond: 21_000, exactPerCore: 25_000 };

const row = (name: string, microsPerRequest: number): CostRow => {
  const ratio = microsPerRequest / 20;
  const requestsPerSecond = 1e6 / microsPerRequest;
  return {
    name,
    microsPerRequest,
    ratio,
    ratioFrom: ratio,
    ratioTo: ratio,
    requestsPerSecond,
    busy: 1,
    samples: [{ microsPerRequest, requestsPerSecond, busy: 1 }],
  };
};

const cost = [
  row('nginx', 20),
  row('single', 18),
  row('pipelined', 15),
  row('batched', 10),
  row('single, with cache', 18.9),
  row('batched, with cache', 11),
  row('single, with usage', 19),
  row('refused', 5),
  row('cached', 9),
  row('single, everything on', 25),
  row('batched, everything on', 17),
];
const times: LatencyRow = {
  name: 'single',
  generator: 'evenly',
  p50: 400,
  p99: 9000,
  addedP50: 300,
  addedP99: 8000,
};
const latency = { rate: 25_000, rows: [{ ...times, name: 'direct', addedP50: 0, addedP99: 0 }, times] };
const memory = { callers: 1_000_000, idle: 150, warm: 180, afterFirst: 250, afterSecond: 251 };
const reload = {
  keys: 10_000,
  rate: 5000,
  actsAfterMs: [80, 90, 101],
  longestMs: 20,
  longestWithoutMs: 9,
  dropped: 0,
};
const upstreams = {
  identical: 64,
  delayMs: 200,
  seen: [1, 1],
  rate: 2000,
  kills: [{ failed: 0, p99Before: 2100, worstWindow: 90_000, longest: 120_000, backAfterMs: 250 }],
};

const websocket = {
  cost: {
    httpMicros: 20,
    socketMicros: 24,
    ratio: 1.2,
    ratioFrom: 1.1,
    ratioTo: 1.3,
    callsPerSecond: 40_000,
    samples: { http: [20], websocket: [24] },
  },
  idle: {
    count: 10_000,
    base: 200,
    resident: 321,
    residentAfterHeads: 450,
    heads: 10,
    upstreamSubscriptions: 1,
  },
  fanOut: { count: 5000, headsMs: [90, 260, 100], cpuMs: 61 },
};

const starts = { times: { published: [480, 410, 455], sources: [1200, 1100, 1300] } };

const results: Results = {
  at: '2026-11-22T12:00:00.000Z',
  commit: 'abc1234',
  seconds: 400,
  machine: {
    cpu: 'A CPU',
    cores: 2,
    memoryGiB: 8,
    kernel: 'Linux 6',
    node: 'v26',
    nginx: '1.22',
    haproxy: '2.6',
    placement: 'proxy under test on core 0',
  },
  options: readOptions([]) as Exclude<ReturnType<typeof readOptions>, 'help'>,
  figures: [
    ...costFigures(cost),
    ...latencyFigures(latency),
    ...memoryFigures(memory),
    ...reloadFigures(reload),
    ...upstreamsFigures(upstreams),
    ...websocketFigures(websocket),
    ...startsFigures(starts),
  ],
  cost,
  latency,
  memory,
  reload,
  upstreams,
  websocket,
  starts,
  faults: [],
};

it('shows each figure with its target and verdict', () => {
  const page = performancePage(results);
  const line = (name: string) => page.split('\n').find((text) => text.startsWith(`| ${name} |`));
  expect(line('CPU, single')).toBe('| CPU, single | 0.90 | × nginx | ≤ 1.10 | pass | 0.80 |  |');
  expect(line('CPU, pipelined')).toContain('| 0.75 | × nginx | ≤ 0.70 | miss |');
  expect(line('CPU, single, with cache')).toBe(
    '| CPU, single, with cache | 1.05 | × without | ≤ 1.05 | pass |  |  |',
  );
  expect(line('CPU, batched, with cache')).toContain('| 1.10 | × without | ≤ 1.05 | miss |');
  expect(line('added p99, single, evenly')).toContain('| 8.00 | ms | ≤ 3.00 | miss |');
  expect(line('requests a second, reached')).toContain('| 100,000 | /s | ≥ 50,000 | pass |');
  expect(line('reload with 10,000 keys, until it acts')).toContain('| 90.0 | ms | ≤ 100.0 | pass |');
  expect(line('CPU, cached')).toBe('| CPU, cached | 0.45 | × nginx | ≤ 0.50 | pass |  |  |');
  expect(line('calls to the node for 64 identical ones at once')).toContain('| 1 | calls | ≤ 1 | pass |');
  expect(line('calls failed as one of three nodes is killed')).toContain('| 0 | calls | ≤ 0 | pass |');
  expect(line('p99 as before, after the kill')).toContain('| 250.0 | ms | ≤ 2000.0 | pass |');
  expect(line('1')).toBe('| 1 | 2.10 | 90.00 | 120.0 | 250 | 0 |');
  expect(line('CPU, a call over WebSocket')).toContain('| 1.20 | × HTTP | ≤ 1.50 | pass |');
  expect(line('resident, each of 10,000 idle sockets')).toContain('| 12.1 | KB | ≤ 24.0 | pass |');
  expect(line('the same, once heads were sent')).toContain('| 25.0 | KB | ≤ 24.0 | miss |  | 10 to each |');
  expect(line('upstream subscriptions for 10,000 sockets')).toContain('| 1 | subscriptions | ≤ 1 | pass |');
  expect(line('a head to 5,000 listeners')).toContain(
    '| 100.0 | ms | ≤ 250.0 | pass |  | the slowest of 3: 260 ms; 61 ms CPU each |',
  );
  expect(page).toContain('Took, in ms: 90, 260, 100.');
  expect(line('CPU, single, everything on')).toContain(
    '| 1.25 | × nginx | ≤ 1.26 | pass |  | asked: 1.15 × 1.10 |',
  );
  expect(line('CPU, batched, everything on')).toContain('| 0.85 | × nginx | ≤ 0.80 | miss |');
  expect(line('start, warm, to the first answer: the package')).toContain(
    '| 455.0 | ms | ≤ 500.0 | pass |  | 410 to 480 in 3 times |',
  );
  expect(line('CPU')).toBe('| CPU | A CPU |');
  expect(page).not.toMatch(/undefined|NaN|\[object/);
});

describe('the table of what was asked for', () => {
  const rows = askedTable(results.figures)[1];
  const rowOf = (asked: string) => rows.find((row) => row[1]!.startsWith(asked))!.slice(2);

  it('has a line for each figure, of every part', () => {
    expect(new Set(rows.map(([part]) => part))).toEqual(new Set(parts));
    expect(new Set(rows.map(([, asked]) => asked)).size).toBe(askedFor.length);
    expect(performancePage(results)).toContain(
      '| 2 upstreams | 64 identical calls at once: 1 call to the node | 1 calls | pass |',
    );
  });

  it('takes from the run what the run measured, several figures by their range', () => {
    expect(rowOf('CPU, single')).toEqual(['0.90 × nginx', 'pass', '`npm run bench`']);
    expect(rowOf('CPU, pipelined and batched')).toEqual([
      '0.50 to 0.75 × nginx',
      '1 of 2 miss',
      '`npm run bench`',
    ]);
    expect(rowOf('no call dropped')).toEqual(['0 calls; 20.0 ms', 'pass', '`npm run bench`']);
    expect(rowOf('start of a small config')).toEqual([
      '455.0 to 1200.0 ms',
      '1 of 2 miss',
      '`npm run bench`',
    ]);
    expect(rowOf('CPU, leased limits')).toEqual(['not in this run', '', '`npm run bench`']);
  });

  it('says of others the test or command, and of what run a value is; judges nothing that only a wider bound holds', () => {
    expect(rowOf('500 hostile requests')).toEqual(['asserted', 'pass', '`npx vitest run test/framing`']);
    expect(rowOf('200 hostile sockets')).toEqual([
      'asserted: 100 ms, or 15 × the same unattacked',
      '',
      '`npx vitest run test/websocket/hostile.test.ts`',
    ]);
    expect(rowOf('100,000 keys load')).toEqual([
      '1.04 to 1.5 s; asserted: 4 s',
      'miss',
      '`npx vitest run test/store/many-keys.test.ts`, 2026-11-29 at 6641302',
    ]);
  });

  it('names figures that the bench has, and tests that are there', () => {
    const inBench = [...results.figures, ...instancesFigures(instances)];
    for (const { asked, measured } of askedFor) {
      if ('test' in measured) expect(existsSync(join(project, measured.test)), measured.test).toBe(true);
      if ('figures' in measured)
        for (const name of measured.figures)
          expect(
            askedTable(inBench, [{ part: parts[0], asked, measured: { figures: [name] } }])[1][0]![2],
            name,
          ).not.toBe('not in this run');
    }
  });
});
