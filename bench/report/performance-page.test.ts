import { expect, it } from 'vitest';
import { readOptions } from '../options.ts';
import { costFigures, type CostRow } from '../scenarios/cost.ts';
import { latencyFigures, type LatencyRow } from '../scenarios/latency.ts';
import { memoryFigures } from '../scenarios/memory.ts';
import { reloadFigures } from '../scenarios/reload.ts';
import { upstreamsFigures } from '../scenarios/upstreams.ts';
import { websocketFigures } from '../scenarios/websocket.ts';
import { performancePage } from './performance-page.ts';
import type { Results } from './results.ts';

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
  row('refused', 5),
  row('cached', 9),
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
  ],
  cost,
  latency,
  memory,
  reload,
  upstreams,
  websocket,
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
  expect(line('CPU')).toBe('| CPU | A CPU |');
  expect(page).not.toMatch(/undefined|NaN|\[object/);
});
