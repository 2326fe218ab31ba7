import { describe, expect, it } from 'vitest';
import { createBreaker, PROBE_MS, type RedisState, TIMEOUTS_MAX } from './breaker.ts';

const silence = new Error('Command timed out');
const refused = new Error('connect ECONNREFUSED 127.0.0.1:1');

/** A breaker whose time and Redis the test is. */
function breaker(random = 0.5) {
  let nowMs = 1000;
  let due: { at: number; work: () => void } | undefined;
  const probes: PromiseWithResolvers<void>[] = [];
  const told: RedisState[] = [];
  const made = createBreaker({
    probe() {
      const probe = Promise.withResolvers<void>();
      probes.push(probe);
      return probe.promise;
    },
    epochMs: () => nowMs,
    random: () => random,
    after(ms, work) {
      const mine = { at: nowMs + ms, work };
      due = mine;
      return () => {
        if (due === mine) due = undefined;
      };
    },
  });
  made.onChange((state) => told.push(state));
  return {
    ...{ made, probes, told },
    dueIn: () => (due === undefined ? null : Math.round(due.at - nowMs)),
    pass(ms: number) {
      nowMs += ms;
      if (due === undefined || due.at > nowMs) return;
      const { work } = due;
      due = undefined;
      work();
    },
    /** What the probe under way came to; resolves when the breaker has heard it. */
    async answer(error?: Error) {
      const probe = probes.at(-1)!;
      if (error) probe.reject(error);
      else probe.resolve();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

async function closed() {
  const all = breaker();
  all.made.connected();
  await all.answer();
  all.told.length = 0;
  return all;
}

describe('breaker of Redis', () => {
  it('is open until Redis was seen to serve', async () => {
    const { made, probes, told, dueIn, pass, answer } = breaker();
    expect(made.state()).toEqual({ away: true, sinceMs: 1000, reason: 'not connected yet' });
    made.lost(refused);
    expect(made.state().reason).toBe('connect ECONNREFUSED 127.0.0.1:1');
    pass(PROBE_MS);
    await answer(new Error("Stream isn't writeable and enableOfflineQueue options is false"));
    expect(made.state()).toEqual({ away: true, sinceMs: 1000, reason: 'connect ECONNREFUSED 127.0.0.1:1' });
    expect(dueIn()).toBe(PROBE_MS);
    made.connected();
    expect(probes).toHaveLength(2);
    await answer();
    expect(made.isOpen()).toBe(false);
    expect(told).toEqual([{ away: false, sinceMs: 1000 + PROBE_MS, reason: null }]);
    expect(dueIn()).toBeNull();
  });

  it('opens with a lost connection at once, and looks every half second, a fifth more or less', async () => {
    const { made, told, dueIn, pass, answer } = await closed();
    made.lost(new Error('the connection was lost'));
    made.lost(refused);
    expect(told).toEqual([{ away: true, sinceMs: 1000, reason: 'the connection was lost' }]);
    expect(made.state().reason).toBe(refused.message);
    for (let round = 0; round < 3; round++) {
      pass(PROBE_MS);
      await answer(silence);
      expect(made.isOpen()).toBe(true);
    }
    expect(made.state().reason).toBe('no answer in time');
    pass(dueIn()!);
    await answer();
    expect(told.map(({ away }) => away)).toEqual([true, false]);
    expect([breaker(0), breaker(1)].map((one) => one.dueIn())).toEqual([PROBE_MS * 0.8, PROBE_MS * 1.2]);
  });

  it('opens after so many timeouts in a row, and asks for them itself after the first', async () => {
    const { made, probes, answer } = await closed();
    for (let times = 1; times < TIMEOUTS_MAX; times++) made.failed(silence);
    made.succeeded();
    for (let times = 1; times < TIMEOUTS_MAX; times++) made.failed(silence);
    expect(made.isOpen()).toBe(false);
    made.failed(silence);
    expect(made.state()).toMatchObject({ away: true, reason: 'no answer in time' });

    const quiet = await closed();
    quiet.made.failed(silence);
    for (let times = 1; times < TIMEOUTS_MAX; times++) {
      expect(quiet.made.isOpen()).toBe(false);
      await quiet.answer(silence);
    }
    expect(quiet.made.isOpen()).toBe(true);
    expect(quiet.probes).toHaveLength(TIMEOUTS_MAX);
    expect(probes.length).toBeGreaterThan(1);
    await answer();
  });

  it('stays closed where Redis answers a probe after a timeout', async () => {
    const { made, told, answer } = await closed();
    for (let round = 0; round < 5; round++) {
      made.failed(silence);
      await answer();
    }
    expect(told).toEqual([]);
  });

  it.each([
    'READONLY You can’t write against a read only replica.',
    'LOADING Redis is loading the dataset in memory',
    'CLUSTERDOWN Hash slot not served',
    'MASTERDOWN Link with MASTER is down',
    'NOREPLICAS Not enough good replicas to write.',
    "OOM command not allowed when used memory > 'maxmemory'.",
    'ERR Error running script: @user_script: 1: -OOM command not allowed',
    'MISCONF Redis is configured to save RDB snapshots',
    'WRONGPASS invalid username-password pair or user is disabled.',
    'NOAUTH Authentication required.',
    'BUSY Redis is busy running a script.',
    'Connection is closed.',
    'read ECONNRESET',
  ])('opens at once: %s', async (message) => {
    const { made } = await closed();
    made.failed(new Error(message));
    expect(made.isOpen()).toBe(true);
  });

  it('says of a connection that ended what it was, in no words of the driver', async () => {
    const { made, answer } = await closed();
    const why = 'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest"';
    made.failed(new Error(why));
    expect(made.state().reason).toBe('the connection was lost');
    made.lost(refused);
    made.connected();
    await answer(new Error(why));
    expect(made.state().reason).toBe(refused.message);
  });

  it.each([
    'NOSCRIPT No matching script.',
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    "NOPERM User me has no permissions to run the 'zadd' command",
    'ERR syntax error',
    'MOVED 1 127.0.0.1:1',
  ])('stays closed, for Redis answers: %s', async (message) => {
    const { made, dueIn } = await closed();
    for (let times = 0; times < 5; times++) made.failed(new Error(message));
    expect(made.isOpen()).toBe(false);
    expect(dueIn()).toBeNull();
  });

  it('does not close by the answer to a probe of before', async () => {
    const { made, probes, pass } = await closed();
    pass(1);
    made.failed(silence);
    const early = probes.at(-1)!;
    made.lost(refused);
    pass(1);
    early.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(made.isOpen()).toBe(true);
    probes.at(-1)!.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(made.isOpen()).toBe(false);
  });

  it('hears nothing of what was sent before it opened, and nothing at all once stopped', async () => {
    const { made, told, pass, probes, answer } = await closed();
    made.lost(refused);
    made.failed(silence);
    made.succeeded();
    expect(made.state().reason).toBe(refused.message);
    made.stop();
    pass(10_000);
    made.connected();
    made.lost(silence);
    expect(probes).toHaveLength(1);
    await answer();
    expect(told).toHaveLength(1);
  });
});
