import { describe, expect, it } from 'vitest';
import type { EventDraft } from '../../events/index.ts';
import type { MembersState, RedisState } from '../../redis/index.ts';
import { testRedisSettings } from '../../redis/testing/settings.ts';
import { createRedisWatch, redisChecks } from './redis-watch.ts';

/** A watch whose Redis, others and clock the test is. */
function watched() {
  const told: EventDraft[] = [];
  const lines: string[] = [];
  let state: RedisState = { away: false, sinceMs: 1000, reason: null };
  let members: MembersState = { ids: ['me', 'other'], rank: 0, twin: false };
  let nowMs = 1000;
  let due: { at: number; work: () => void } | undefined;
  const hear: { redis?: (state: RedisState) => void; members?: (state: MembersState) => void } = {};
  const say = (_facts: object, line: string) => void lines.push(line);
  const watch = createRedisWatch({
    redis: {
      id: 'me',
      settings: testRedisSettings({ url: 'redis://127.0.0.1:1' }),
      link: {
        counts: { answered: 5, refused: 0, timedOut: 0, lost: 0, seconds: 1 },
        guard: { state: () => state, onChange: (listener) => (hear.redis = listener) },
      },
      members: {
        state: () => members,
        onChange: (listener) => (hear.members = listener),
      },
    },
    leases: () => 3,
    workersAway: () => 0,
    emit: (draft) => told.push(draft),
    logger: { info: say, warn: say } as never,
    epochMs: () => nowMs,
    after(ms, work) {
      const mine = { at: nowMs + ms, work };
      due = mine;
      return () => {
        if (due === mine) due = undefined;
      };
    },
  });
  return {
    ...{ watch, told, lines },
    pass(ms: number) {
      nowMs += ms;
      if (due === undefined || due.at > nowMs) return;
      const { work } = due;
      due = undefined;
      work();
    },
    redis(reason: string | null) {
      state = { away: reason !== null, sinceMs: nowMs, reason };
      hear.redis!(state);
    },
    others(next: MembersState) {
      members = next;
      hear.members!(next);
    },
  };
}

const redisDown = (atMs: number, reason: string) => ({
  ...{ type: 'redis.down', subject: 'redis:me', severity: 'error', atMs },
  data: { instance: 'me', reason },
});

describe('watch of Redis', () => {
  it('tells of its going at once, and of its return once that has lasted for two seconds', () => {
    const { watch, told, lines, pass, redis } = watched();
    watch.began();
    pass(1000);
    redis('connect ECONNREFUSED');
    expect(told).toEqual([redisDown(2000, 'connect ECONNREFUSED')]);
    expect(watch.checks()).toMatchObject([
      {
        status: 'degraded',
        detail: { problem: 'connect ECONNREFUSED', since: '1970-01-01T00:00:02.000Z', losses: 1 },
      },
    ]);
    pass(3000);
    redis(null);
    expect(watch.checks()).toMatchObject([
      { status: 'up', detail: { problem: null, members: ['me', 'other'] } },
    ]);
    pass(1999);
    expect(told).toHaveLength(1);
    pass(1);
    expect(told[1]).toEqual({
      ...{ type: 'redis.up', subject: 'redis:me', severity: 'info', atMs: 7000 },
      data: { instance: 'me', downMs: 3000, losses: 1 },
    });
    expect(lines).toEqual([
      'shares limits by Redis, instances: 2',
      'Redis is away: connect ECONNREFUSED; limits go on by this instance’s share',
      'Redis is back: it was away for 3 s',
    ]);
  });

  it('that comes and goes each second for an hour makes few events', () => {
    const { watch, told, pass, redis } = watched();
    watch.began();
    for (let second = 0; second < 1800; second++) {
      redis('no answer in time');
      pass(1000);
      redis(null);
      pass(1000);
    }
    pass(2000);
    expect(told.map(({ type }) => type)).toEqual(['redis.down', 'redis.up']);
    expect(told[1]!.data).toMatchObject({ losses: 1800, downMs: 3_599_000 });
  });

  it('waits longer for a return to last after each that did not, up to a minute, until it was calm for five', () => {
    const { watch, told, pass, redis } = watched();
    watch.began();
    const holds: number[] = [];
    const trouble = () => {
      redis('x');
      pass(100);
      redis(null);
      const before = told.length;
      let hold = 0;
      for (; told.length === before; hold += 1000) pass(1000);
      holds.push(hold);
    };
    for (let times = 0; times < 8; times++) trouble();
    expect(holds).toEqual([2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    pass(300_000);
    trouble();
    expect(holds.at(-1)).toBe(2000);
  });

  it('tells of one that is away as the gateway begins to serve, and of none before', () => {
    const { watch, told, redis } = watched();
    redis('WRONGPASS invalid username-password pair');
    expect(told).toEqual([]);
    watch.began();
    expect(told).toEqual([redisDown(1000, 'WRONGPASS invalid username-password pair')]);
    watch.stop();
    redis(null);
    expect(told).toHaveLength(1);
  });

  it('ends what an earlier run told the beginning of, unless Redis is away still', () => {
    const { watch, told, pass } = watched();
    watch.began();
    watch.wasDown(400);
    expect(told).toEqual([]);
    pass(2000);
    expect(told).toMatchObject([{ type: 'redis.up', data: { downMs: 600, losses: 1 } }]);

    const still = watched();
    still.redis('x');
    still.watch.began();
    still.watch.wasDown(400);
    still.pass(10_000);
    expect(still.told.map(({ type }) => type)).toEqual(['redis.down']);
  });

  it('is degraded where another has its id, and says so once', () => {
    const { watch, lines, others } = watched();
    const twins = { ids: ['me', 'me'], rank: 0, twin: true };
    others(twins);
    others({ ...twins, rank: 1 });
    expect(watch.checks()).toMatchObject([
      { status: 'degraded', detail: { problem: expect.stringContaining('state_dir') } },
    ]);
    expect(lines).toHaveLength(1);
  });

  it('is degraded where only workers find it away', () => {
    const { watch } = watched();
    expect(redisChecks({ ...watch.facts(), workersAway: 2 })).toMatchObject([
      { status: 'degraded', detail: { problem: 'workers whose own connection finds it away: 2' } },
    ]);
  });
});
