import { expect, it, vi } from 'vitest';
import type { EventDraft, EventFilter, EventRow } from '../../events/index.ts';
import type { NetworkHealth } from '../../upstream/index.ts';
import { createIncidents } from './incidents.ts';

const a = { network: 'n', upstream: 'a' };
const now = 100_000;

function rowOf(type: EventRow['type'], subject: string, data: object, sinks: string[] = []): EventRow {
  const event = JSON.stringify({ type, subject, severity: 'critical', data });
  const deliveries = sinks.map((sink) => ({ sink })) as EventRow['deliveries'];
  return { number: 1, id: 'id', type, atMs: now - 5000, keyId: null, event, deliveries };
}

/** `rows`: what the store has, the newest first. */
function start(rows: EventRow[] = [], shared = false) {
  const told: EventDraft[] = [];
  const watched = new Map<string, 'up' | 'down' | 'unknown'>([['a', 'up']]);
  const list = vi.fn<(filter: EventFilter, limit: number) => Promise<EventRow[]>>(async ({ types = [] }) =>
    rows.filter(({ type }) => types.includes(type)),
  );
  const wasDown = vi.fn<(atMs: number) => void>();
  const incidents = createIncidents({
    outbox: { list },
    redis: { subject: 'redis:me', wasDown },
    ...{ shared, epochMs: () => now, emit: (draft) => void told.push(draft) },
    watched: () => [
      {
        network: 'n',
        upstreams: [...watched].map(([upstream, state]) => ({
          upstream,
          state,
        })) as NetworkHealth['upstreams'],
      },
    ],
  });
  return { incidents, told, watched, list, wasDown };
}
const down = { ...a, type: 'upstream.down', reason: 'r', detail: '', upMs: null } as const;
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

it('an upstream that is taken out of the config while it is down is over', () => {
  const { incidents, told, watched } = start();
  incidents.health(down);
  watched.set('a', 'down');
  incidents.look();
  expect(told).toEqual([]);
  watched.delete('a');
  incidents.look();
  incidents.look();
  expect(told).toEqual([
    {
      ...{ type: 'upstream.up', subject: 'upstream:n/a', severity: 'info', atMs: now },
      data: { ...a, downMs: 0, reason: 'it is watched no more' },
    },
  ]);
});

it('an upstream that was down before a restart is over once its first check is good', async () => {
  const rows = [rowOf('upstream.up', 'upstream:n/b', {}), rowOf('upstream.down', 'upstream:n/a', a)];
  const { incidents, told, watched } = start(rows);
  watched.set('a', 'unknown');
  incidents.begin();
  await settled();
  expect(told).toEqual([]);
  const up = { ...a, type: 'upstream.up', downMs: null } as const;
  expect(incidents.health(up)).toMatchObject({ type: 'upstream.up', data: { downMs: 5000, reason: null } });
  expect(incidents.health(up)).toBeNull();
  const checked = start(rows);
  checked.incidents.begin();
  await settled();
  expect(checked.told).toMatchObject([{ type: 'upstream.up', data: { ...a, downMs: 5000 } }]);
});

it('what this process has told of is newer than what the store says', async () => {
  const { incidents, told } = start([rowOf('upstream.down', 'upstream:n/a', a)]);
  incidents.begin();
  incidents.health(down);
  expect(incidents.health({ ...a, type: 'upstream.up', downMs: 5 })).toBeNull();
  await settled();
  expect(told).toEqual([]);
});

it('an alert that fired before a restart is over, for whom its beginning was told', async () => {
  const data = { alert: 'x', when: 'upstreams_down >= 1' };
  const rows = [
    rowOf('alert.resolved', 'alert:y', { ...data, alert: 'y' }),
    rowOf('alert.firing', 'alert:y', { ...data, alert: 'y' }),
    rowOf('alert.firing', 'alert:x', data, ['pager']),
  ];
  const { incidents, told } = start(rows);
  incidents.begin();
  await settled();
  expect(told).toMatchObject([
    {
      ...{ type: 'alert.resolved', subject: 'alert:x', severity: 'critical', sinks: ['pager'] },
      data: { ...data, value: null, firedMs: 5000 },
    },
  ]);
  const again = start(rows);
  again.incidents.begin();
  again.incidents.fired('alert:x');
  await settled();
  expect(again.told).toEqual([]);
  const others = start(rows, true);
  others.incidents.begin();
  await settled();
  expect(others.told).toEqual([]);
});

it('a Redis that was away before a restart is told to who watches it, where it was this instance’s', async () => {
  const other = rowOf('redis.up', 'redis:other', {});
  const begin = async (...rows: EventRow[]) => {
    const { incidents, wasDown } = start(rows);
    incidents.begin();
    await settled();
    return wasDown.mock.calls;
  };
  const mine = rowOf('redis.down', 'redis:me', {});
  expect(await begin(other, mine)).toEqual([[95_000]]);
  expect(await begin(rowOf('redis.up', 'redis:me', {}), mine)).toEqual([]);
  expect(await begin(rowOf('redis.down', 'redis:other', {}))).toEqual([]);
});

it('asks again while the store is away', async () => {
  vi.useFakeTimers();
  const { incidents, told, list } = start([rowOf('upstream.down', 'upstream:n/a', a)]);
  list.mockRejectedValueOnce(new Error('away'));
  incidents.begin();
  await vi.advanceTimersByTimeAsync(4999);
  expect(told).toEqual([]);
  await vi.advanceTimersByTimeAsync(10);
  vi.useRealTimers();
  expect(told).toHaveLength(1);
});
