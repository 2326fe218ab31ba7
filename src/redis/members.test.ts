import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
    await link.untilThere(10_000);
  }, 330_000);
  afterAll(async () => {
    link.close();
    await server[Symbol.asyncDispose]();
  });

  /** Members with a clock of their own, that beat when they are told to. */
  function instances(...names: string[]) {
    const prefix = `m${++prefixes}:`;
    const clock = { ms: 0, away: false };
    const guard = { ...link.guard, isOpen: () => clock.away };
    const start = (name: string) => {
      const [id, run = `run-of-${id}`] = name.split('/') as [string, string?];
      return createMembers({
        ...{ client: link.client, guard, prefix, id, run },
        steadyMs: () => clock.ms,
        after: () => () => undefined,
      });
    };
    const members = names.map(start);
    const round = async () => {
      for (const one of members) await one.beat();
      for (const one of members) await one.beat();
    };
    return { members, clock, round, prefix, start, states: () => members.map((one) => one.state()) };
  }

  it('find each other, each with a rank of its own, and hear of changes once', async () => {
    const { members, round, states } = instances('b', 'c', 'a');
    const told: number[] = [];
    members[0]!.onChange(({ ids }) => told.push(ids.length));
    expect(states()[0]).toEqual({ ids: ['b'], rank: 0, twin: false });
    await round();
    await round();
    expect(states()).toEqual([1, 2, 0].map((rank) => ({ ids: ['a', 'b', 'c'], rank, twin: false })));
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
    expect(states()[0]).toEqual({ ids: ['a'], rank: 0, twin: false });

    const [seconds, micros] = (await server.call('TIME')) as string[];
    const nowMs = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
    await server.call('ZADD', `${prefix}members`, nowMs - 2500, 'late/1', nowMs - 3001, 'dead/1');
    await members[0]!.beat();
    expect(states()[0]!.ids).toEqual(['a', 'late']);
    expect(await server.call('ZRANGE', `${prefix}members`, 0, -1)).toEqual(['late/1', 'a/run-of-a']);
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

  it('count one that starts again once, at once, though it was killed', async () => {
    const { members, round, start, states } = instances('a/1', 'b/1');
    await round();
    const again = start('a/2');
    await again.beat();
    expect(again.state()).toEqual({ ids: ['a', 'b'], rank: 0, twin: false });
    await members[1]!.beat();
    expect(states()[1]).toEqual({ ids: ['a', 'b'], rank: 1, twin: false });
  });

  it('that live and have one id are seen, and count as two', async () => {
    const { members, round, start, states } = instances('a/1', 'b/1');
    await round();
    const copy = start('a/2');
    for (let second = 0; second < 2; second++) {
      await copy.beat();
      await round();
    }
    expect(copy.state()).toEqual({ ids: ['a', 'a', 'b'], rank: 1, twin: true });
    expect(states()).toEqual([
      { ids: ['a', 'a', 'b'], rank: 0, twin: true },
      { ids: ['a', 'a', 'b'], rank: 2, twin: false },
    ]);
    await copy.leave();
    // The last that was heard of it is two seconds old.
    await members[0]!.beat();
    expect(states()[0]).toEqual({ ids: ['a', 'b'], rank: 0, twin: false });
  });
});
