import { afterEach, beforeEach, expect, it } from 'vitest';
import { compile, createConfig } from '../../config/index.ts';
import { testRegistries } from '../../config/testing/registries.ts';
import { type BanKeeper, createBanKeeper } from './ban-keeper.ts';
import { createOperationsPort } from './operations-port.ts';

let keeper: BanKeeper;
let run: (name: string, input: unknown, peer?: string) => Promise<any>;

beforeEach(() => {
  const result = createConfig(
    {
      upstreams: [{ url: 'http://127.0.0.1:8545' }],
      server: { trusted_proxies: ['10.0.0.0/8'] },
      blocklist: {
        deny: ['192.0.2.0/24', '198.18.0.0/15', '198.18.0.0/24'],
        allow: ['198.51.100.0/24', '192.0.2.128/25'],
        mode: 'simulate',
      },
    },
    { name: 'test', directory: '/' },
  );
  if (!result.ok) throw new Error('a bad config');
  const { config } = result;
  keeper = createBanKeeper({
    ...{ config, snapshot: compile(config, testRegistries()), events: noEvents },
    logger: { warn: () => {}, info: () => {} } as never,
    seed: Uint32Array.of(1, 2, 3, 4),
    shared: null,
    epochMs: Date.now,
    steadyMs: () => performance.now(),
  });
  ({ run } = createOperationsPort({
    ...{ store: null, bans: keeper.bans, config: () => config, epochMs: Date.now },
  }));
});
const noEvents = { emit: () => {}, prepare: () => null, added: () => {} };

afterEach(() => keeper.stop());

it('asks before it bans the address that asks', async () => {
  const address = '203.0.113.0/24';
  await expect(run('blocklist.add', { address }, '203.0.113.7')).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringMatching(/203\.0\.113\.7, from where you ask\. With --force/),
  });
  await expect(run('blocklist.add', { address, from: ['203.0.113.8'] }, '::1')).rejects.toThrow(/113\.8/);
  expect(await run('blocklist.add', { address, force: true }, '203.0.113.7')).toMatchObject({
    address,
    by: 'operator',
    until: null,
    kept: false,
    note: expect.stringMatching(/simulate/),
  });
});

it('lists page by page', async () => {
  for (const last of [3, 1, 2]) await run('blocklist.add', { address: `203.0.113.${last}`, forMs: 60_000 });
  const first = await run('blocklist.list', { limit: 2 });
  expect(first).toMatchObject({ mode: 'simulate', total: 3, next: '203.0.113.2', deny: 3, allow: 2 });
  const second = await run('blocklist.list', { limit: 2, after: first.next });
  expect(second.bans).toMatchObject([{ address: '203.0.113.3' }]);
  expect(second.next).toBeNull();
});

it('says what still refuses an address whose ban was lifted', async () => {
  await run('blocklist.add', { address: '203.0.113.0/24' });
  await run('blocklist.add', { address: '203.0.113.1' });
  expect((await run('blocklist.remove', { address: '203.0.113.1' })).note).toMatch(
    /ban of 203\.0\.113\.0\/24/,
  );
  await expect(run('blocklist.remove', { address: '192.0.2.1' })).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringMatching(/denied in blocklist\.deny\[0\]/),
  });
});

it('says so only where the whole network is refused, and would not be allowed', async () => {
  const note = async (address: string) => {
    await run('blocklist.add', { address });
    return (await run('blocklist.remove', { address })).note as string | null;
  };
  await run('blocklist.add', { address: '203.0.113.0' });
  expect(await note('203.0.113.0/24'), 'a ban of its first address').toBeNull();
  await run('blocklist.add', { address: '203.0.0.0/16' });
  expect(await note('203.0.113.0/24')).toBe(
    'It would still be refused, but that blocklist.mode is simulate: the ban of 203.0.0.0/16 holds it',
  );
  expect(await note('192.0.0.0/16'), 'a part is denied').toBeNull();
  expect(await note('192.0.2.128'), 'allowed').toBeNull();
  expect(await note('198.18.0.0/23'), 'a narrower entry inside').toMatch(
    /198\.18\.0\.0\/15 is denied in blocklist\.deny\[1\]/,
  );
});

it('says of the allow-list what it names whole', async () => {
  const note = async (address: string) => (await run('blocklist.add', { address })).note as string;
  expect(await note('198.51.100.0/25')).toMatch(/198\.51\.100\.0\/24 is on the allow-list/);
  expect(await note('198.51.0.0/16')).not.toMatch(/allow-list/);
  expect(await note('198.51.100.0/23')).not.toMatch(/allow-list/);
});

it('lets in by hand whom the config or a ban refuses, and no longer', async () => {
  const by = async (address: string) => (await run('blocklist.test', { address })).by;
  await run('blocklist.add', { address: '203.0.113.0/24' });
  const allowed = await run('blocklist.allow', { address: '203.0.113.7', forMs: 60_000, reason: 'us' });
  expect(allowed).toMatchObject({ address: '203.0.113.7', by: 'operator', reason: 'us', kept: false });
  await run('blocklist.allow', { address: '192.0.2.64/26' });
  expect(await by('203.0.113.7')).toMatchObject({ list: 'allowed', address: '203.0.113.7' });
  expect(await by('192.0.2.66')).toMatchObject({ list: 'allowed', address: '192.0.2.64/26', until: null });
  expect(await by('203.0.113.8')).toMatchObject({ list: 'ban' });
  expect((await run('blocklist.add', { address: '203.0.113.7' })).note).toMatch(
    /^203\.0\.113\.7 is allowed by hand, which wins/,
  );
  const { bans, total, allowed: list } = await run('blocklist.list', {});
  expect([bans.length, total]).toEqual([2, 2]);
  expect(list).toMatchObject([{ address: '192.0.2.64/26' }, { address: '203.0.113.7', reason: 'us' }]);
  expect(keeper.count()).toBe(2);
  expect(keeper.made()).toEqual({ auto: 0, operator: 2 });
  keeper.violated({ addresses: ['192.0.2.66', '203.0.113.7'], weights: [1e9, 1e9] });
  expect(keeper.count(), 'what it does bans nobody').toBe(2);
  expect((await run('blocklist.disallow', { address: '203.0.113.7' })).note).toBe(
    'It would be refused from now on, but that blocklist.mode is simulate: the ban of 203.0.113.7 holds it',
  );
  expect(await by('203.0.113.7')).toMatchObject({ list: 'ban', address: '203.0.113.7' });
  await expect(run('blocklist.disallow', { address: '203.0.113.7' })).rejects.toMatchObject({
    code: 'not_found',
  });
});

it.each([
  ['blocklist.add', {}, /^address: /],
  ['blocklist.allow', { address: '+1.2.3.4' }, /not a network/],
  ['blocklist.add', { address: '1.2.3.4/8' }, /bits set after the prefix/],
  ['blocklist.add', { address: '1.2.3.4', forMs: 1 }, /^forMs: /],
  ['blocklist.add', { address: '1.2.3.4', until: 1 }, /until/],
  ['blocklist.test', { address: '1.2.3.0/24' }, /one IPv4 or IPv6 address/],
  ['blocklist.list', { limit: 0 }, /^limit: /],
])('%s refuses %j', async (name, input, message) => {
  await expect(run(name, input)).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringMatching(message),
  });
});

it('has no other operations where there is no store, and says why', async () => {
  await expect(run('users.list', {})).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringMatching(/store: none/),
  });
});
