import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RedisServer, startRedis } from '../../test/redis/server.ts';
import { testRedisSettings } from './testing/settings.ts';
import { openRedis, type RedisLink } from './link.ts';
import { createMembers } from './members.ts';

describe('members', () => {
  let server: RedisServer;
  let link: RedisLink;
  let prefixes = 0;
  beforeAll(async () => {
    server = await startRedis();
    link = await openRedis(testRedisSettings(server), Date.now);
    await vi.waitUntil(() => !link.guard.isOpen());
  }, 330_000);
  afterAll(async () => {
    link.close();
    await server[Symbol.asyncDispose]();
  });

  /** Members with a clock of their own, that beat when they are told to. */
  function instances(...ids: string[]) {
    const prefix = `m${++prefixes}:`;
    const clock = { ms: 0, away: false };
    const guard = { ...link.guard, isOpen: () => clock.away };
    const members = ids.map((id) =>
      createMembers({
        ...{ client: link.client, guard, prefix, id },
        steadyMs: () => clock.ms,
        after: () => () => undefined,
      }),
    );
    const round = async () => {
      for (const one of members) await one.beat();
      for (const one of members) await one.beat();
    };
    return { members, clock, round, prefix, states: () => members.map((one) => one.state()) };
  }

  it('find each other, each with a rank of its own, and hear of changes once', async () => {
    const { members, round, states } = instances('b', 'c', 'a');
    const told: number[] = [];
    members[0]!.onChange(({ ids }) => told.push(ids.length));
    expect(states()[0]).toEqual({ ids: ['b'], rank: 0 });
    await round();
    await round();
    expect(states()).toEqual([1, 2, 0].map((rank) => ({ ids: ['a', 'b', 'c'], rank })));
    expect(told).toEqual([3]);
  });

  it('forget one that left after two seconds, one that died after three more, by Redis’s clock', async () => {
    const { members, clock, round, states, prefix } = instances('a', 'b');
    await round();
    await members[1]!.leave();
    for (const more of [1000, 1000, 1]) {
      expect(states()[0]!.ids).toEqual(['a', 'b']);
      clock.ms += more;
      await members[0]!.beat();
    }
    expect(states()[0]).toEqual({ ids: ['a'], rank: 0 });

    const [seconds, micros] = (await server.call('TIME')) as string[];
    const nowMs = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
    await server.call('ZADD', `${prefix}members`, nowMs - 2500, 'late', nowMs - 3001, 'dead');
    await members[0]!.beat();
    expect(states()[0]!.ids).toEqual(['a', 'late']);
    expect(await server.call('ZRANGE', `${prefix}members`, 0, -1)).toEqual(['late', 'a']);
    expect(Number(await server.call('PTTL', `${prefix}members`))).toBeGreaterThan(29_000);
  });

  it('keep the number they knew while Redis is away, and through a loss of its data', async () => {
    const { members, clock, round, states } = instances('a', 'b', 'c');
    await round();
    clock.away = true;
    clock.ms += 3_600_000;
    await members[0]!.beat();
    expect(states()[0]!.ids).toEqual(['a', 'b', 'c']);
    clock.away = false;
    await server.call('FLUSHALL');
    await members[0]!.beat();
    expect(states()[0]!.ids).toEqual(['a', 'b', 'c']);
    await members[1]!.beat();
    for (let second = 0; second < 3; second++) {
      clock.ms += 1000;
      await members[0]!.beat();
    }
    // One has not said so again.
    expect(states()[0]!.ids).toEqual(['a', 'b']);
  });
});
