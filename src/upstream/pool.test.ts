import { expect, it } from 'vitest';
import { startFakeUpstream } from '../../test/fakes/upstream.ts';
import { createUpstreamPool } from './pool.ts';
import { policyFor, sendTo, sleep, testDeps } from './testing/caller.ts';

it('keeps an upstream of the same name over an update, and lets one that is gone finish', async () => {
  const slow = await startFakeUpstream({
    vice: { request: (x) => void setTimeout(() => x.send(x.http()), 100) },
  });
  const other = await startFakeUpstream();
  const pool = createUpstreamPool([policyFor(slow.port, { name: 'a' })], testDeps());
  const before = pool.chosen();
  const first = sendTo(pool);
  await first.settled;
  pool.update([policyFor(slow.port, { name: 'a', path: '/x' })], 1000);
  expect(pool.chosen()).toBe(before);
  const second = sendTo(pool);
  await sleep(10);
  pool.update([policyFor(other.port, { name: 'b' }), policyFor(slow.port, { name: 'c' })], 1000);
  const third = sendTo(pool);
  await Promise.all([second.settled, third.settled]);
  expect([first, second, third].map((caller) => caller.reason)).toEqual(['', '', '']);
  expect(slow.accepted).toBe(1);
  expect(other.bodies).toHaveLength(1);
  expect(pool.stats().map((stats) => stats.name)).toEqual(['b', 'c']);
  await sleep(20);
  expect(slow.open).toBe(0);
  await pool.close(0);
  await slow.close();
  await other.close();
});

it('changes nothing if one of the new upstreams cannot be', async () => {
  const fake = await startFakeUpstream();
  const pool = createUpstreamPool([policyFor(fake.port, { name: 'a' })], testDeps());
  const before = pool.chosen();
  const bad = policyFor(fake.port, { name: 'b', headers: [['Host', 'x']] });
  expect(() => pool.update([bad], 0)).toThrow(TypeError);
  expect(() => pool.update([], 0)).toThrow(TypeError);
  expect(() => pool.update([policyFor(fake.port, { name: 'a', headers: [['Host', 'x']] })], 0)).toThrow(
    TypeError,
  );
  expect(pool.chosen()).toBe(before);
  const caller = sendTo(pool);
  await caller.settled;
  expect(caller.result).toBe(caller.nonce);
  await pool.close(0);
  await fake.close();
});
