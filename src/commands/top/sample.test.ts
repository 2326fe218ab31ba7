import { expect, test } from 'vitest';
import type { CallCounts, Latency, Methods, Summary, Top } from '../../admin/index.ts';
import { frameOf, type Snapshot } from './sample.ts';

const none: CallCounts = {
  ...{
    calls: 0,
    allowed: 0,
    burst: 0,
    exceeded: 0,
    blocked: 0,
    quota: 0,
    unauthorized: 0,
    forbidden: 0,
    invalid: 0,
  },
  ...{ shed: 0, failed: 0, errors: 0, cached: 0, joined: 0, events: 0, cost: 0, bytesIn: 0, bytesOut: 0 },
};
const latency: Latency = { count: 0, sumMicros: 0, p50Micros: null, p90Micros: null, p99Micros: 12_000 };

interface Told {
  atMs: number;
  counts: Partial<CallCounts>;
  micros: number;
  startedAt?: string;
  instances?: string[];
}

function snapshot({
  atMs,
  counts: some,
  micros,
  startedAt = '2026-11-28T12:00:00.000Z',
  instances = ['a'],
}: Told): Snapshot {
  const counts = { ...none, ...some };
  const latencies = { total: latency, proxy: latency, upstream: latency };
  const entry = { kind: 'key', id: 'uuid', name: null, prefix: 'AbCdEfGh', counts, latencySumMicros: micros };
  return {
    atMs,
    summary: {
      ...{ at: '2026-11-28T12:01:40.000Z', startedAt, uptimeSeconds: 100, version: '1', totals: counts },
      ...{
        latency: latencies,
        scope: { of: 'cluster', instances: instances.map((id) => ({ id, ageSeconds: 0 })) },
        upstreams: [],
        shadow: [],
        http: { connections: 1 },
        websocket: { connections: 2 },
      },
    } as unknown as Summary,
    top: { entries: [entry] } as unknown as Top,
    methods: {
      methods: [{ network: 'main', method: 'm', ...counts, latency: latencies }],
    } as unknown as Methods,
  };
}

const before = { calls: 100, allowed: 90, exceeded: 10, cost: 90, bytesIn: 1000, bytesOut: 9000 };
const after = {
  calls: 160,
  allowed: 130,
  exceeded: 28,
  quota: 2,
  cost: 170,
  bytesIn: 1500,
  bytesOut: 10_500,
};

test('rates are of the time between two looks', () => {
  const frame = frameOf(
    snapshot({ atMs: 3000, counts: after, micros: 100_000 }),
    snapshot({ atMs: 1000, counts: before, micros: 20_000 }),
  );
  const rates = { calls: 30, refused: 10, cost: 40, bytes: 1000 };
  expect(frame).toMatchObject({ seconds: 2, totals: { ...rates, ms: 12, failed: 0, cached: 0 } });
  expect(frame.callers).toEqual([{ name: 'key:AbCdEfGh', id: 'uuid', ...rates, ms: 2 }]);
  expect(frame.methods).toEqual([{ name: 'm', id: 'main m', ...rates, ms: 12 }]);
});

test('the first look, and the first after a restart or a change of instances, show the mean since the start', () => {
  const now = snapshot({ atMs: 3000, counts: after, micros: 100_000 });
  const first = frameOf(now, undefined);
  expect(first).toMatchObject({ seconds: 0, totals: { calls: 1.6, refused: 0.3 } });
  const earlier = snapshot({ atMs: 0, counts: before, micros: 0, startedAt: '2026-11-27T00:00:00.000Z' });
  expect(frameOf(now, earlier)).toEqual(first);
  // One that left took along all it had counted.
  const three = snapshot({ atMs: 0, counts: before, micros: 0, instances: ['a', 'b', 'c'] });
  expect(frameOf(now, three)).toEqual(first);
});

test('a caller new in the list has no rate for one look, whatever it did before', () => {
  const earlier = snapshot({ atMs: 1000, counts: before, micros: 20_000 });
  const unlisted = { ...earlier, top: { ...earlier.top, entries: [] } };
  const frame = frameOf(snapshot({ atMs: 3000, counts: after, micros: 100_000 }), unlisted);
  const unknown = { calls: null, refused: null, cost: null, bytes: null, ms: null };
  expect(frame.callers).toEqual([{ name: 'key:AbCdEfGh', id: 'uuid', ...unknown }]);
  expect(frame.totals.calls).toBe(30);
});

test('refused is all that was not let in', () => {
  const counts = {
    calls: 28,
    ...{ exceeded: 1, blocked: 2, quota: 3, unauthorized: 4, forbidden: 5, invalid: 6, shed: 7 },
  };
  const frame = frameOf(
    snapshot({ atMs: 2000, counts, micros: 0 }),
    snapshot({ atMs: 1000, counts: {}, micros: 0 }),
  );
  expect(frame.totals.refused).toBe(28);
  expect(frame.callers[0]!.refused).toBe(28);
});

test('a breaker is called by its state', () => {
  const now = snapshot({ atMs: 1000, counts: before, micros: 0 });
  const upstreams = [
    { network: 'main', upstream: 'a', state: 'up', breaker: 'half-open' },
    { network: 'main', upstream: 'b', state: 'unknown', breaker: 'open' },
    { network: 'main', upstream: 'c', state: 'down', breaker: 'open' },
    { network: 'main', upstream: 'd', state: 'up', breaker: 'closed' },
  ];
  const { down } = frameOf({ ...now, summary: { ...now.summary, upstreams } as Summary }, undefined);
  expect(down).toEqual(['main/a breaker half-open', 'main/b breaker open', 'main/c down']);
});
