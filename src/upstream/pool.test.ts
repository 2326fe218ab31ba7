import { expect, it } from 'vitest';
import { startFakeUpstream } from '../../test/fakes/upstream.ts';
import { createUpstreamPool } from './pool.ts';
import { policyFor, sendTo, sleep } from './testing/caller.ts';
import { networkOf, poolDeps } from './testing/network.ts';

it('keeps an upstream of the same name over an update, and lets one that is gone finish', async () => {
  const slow = await startFakeUpstream({
    vice: { request: (x) => void setTimeout(() => x.send(x.http()), 100) },
  });
  const other = await startFakeUpstream();
  const pool = createUpstreamPool(networkOf([policyFor(slow.port, { name: 'a' })]), poolDeps());
  const first = sendTo(pool);
  await first.settled;
  pool.update(networkOf([policyFor(slow.port, { name: 'a', path: '/x' })]), 1000);
  const second = sendTo(pool);
  await sleep(10);
  pool.update(networkOf([policyFor(other.port, { name: 'b' })]), 1000);
  const third = sendTo(pool);
  await Promise.all([second.settled, third.settled]);
  expect([first, second, third].map((caller) => caller.reason)).toEqual(['', '', '']);
  expect(slow.accepted).toBe(1);
  expect(slow.bodies).toHaveLength(2);
  expect(other.bodies).toHaveLength(1);
  expect(pool.stats().map((stats) => stats.name)).toEqual(['b']);
  await sleep(20);
  expect(slow.open).toBe(0);
  await pool.close(0);
  await slow.close();
  await other.close();
});

it('changes nothing if one of the new upstreams cannot be', async () => {
  const fake = await startFakeUpstream();
  const pool = createUpstreamPool(networkOf([policyFor(fake.port, { name: 'a' })]), poolDeps());
  const bad = policyFor(fake.port, { name: 'b', headers: [['Host', 'x']] });
  expect(() => pool.update(networkOf([bad]), 0)).toThrow(TypeError);
  expect(() => pool.update(networkOf([]), 0)).toThrow(TypeError);
  const changed = policyFor(fake.port, { name: 'a', headers: [['Host', 'x']] });
  expect(() => pool.update(networkOf([changed]), 0)).toThrow(TypeError);
  expect(pool.stats().map((stats) => stats.name)).toEqual(['a']);
  const caller = sendTo(pool);
  await caller.settled;
  expect(caller.result).toBe(caller.nonce);
  await pool.close(0);
  await fake.close();
});
