import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseAddress } from '../../identity/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { createStoredBans } from './stored-bans.ts';

let folder: string;
let store: Store;
let now: number;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'polymorph-bans-'));
  store = await openStore({ kind: 'sqlite', folder, now: Date.now });
  now = 1_800_000_000_000;
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const draft = (prefix: string, until: number | null = null) => ({ prefix, reason: 'r', by: 'ada', until });
const told = async () => (await store.outbox.list({}, 10)).map(({ type }) => type).reverse();
const start = (bansMax: number) =>
  createStoredBans({ store, bansMax, endedSince: () => 0, source: 'test', epochMs: () => now });

it('makes no more bans than may stand, and tells of none beyond', async () => {
  const bans = start(2);
  await bans.add(draft('203.0.113.1'));
  await bans.add(draft('203.0.113.2', now + 1000));
  await expect(bans.add(draft('203.0.113.3'))).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringMatching(/max_bans/),
  });
  expect(await store.bans.get('203.0.113.3')).toBeNull();
  expect(await told()).toEqual(['ip.banned', 'ip.banned']);
  expect((await bans.add(draft('203.0.113.1', now + 5000))).ban.times, 'in place of one').toBe(2);
  now += 1000;
  await bans.add(draft('203.0.113.3'));
  await expect(bans.add(draft('203.0.113.2'))).rejects.toMatchObject({ code: 'refused' });
});

it('takes the place of a ban whose clock is ahead', async () => {
  const bans = start(2);
  const by = { reason: 'r', by: 'auto', times: 1, until: now + 90_000, endedAt: null };
  await store.bans.put({ prefix: '203.0.113.1', beganAt: now + 60_000, ...by });
  const { ban } = await bans.add(draft('203.0.113.1'));
  expect(await store.bans.get('203.0.113.1')).toMatchObject({ until: null, beganAt: ban.beganAt });
});

it('comes after one that was lifted, and whose clock was ahead', async () => {
  const bans = start(2);
  const by = { reason: 'r', by: 'auto', times: 1, until: null, endedAt: now };
  await store.bans.put({ prefix: '203.0.113.1', beganAt: now + 900, ...by });
  const { ban } = await bans.add(draft('203.0.113.1'));
  expect(ban.beganAt).toBe(now + 901);
  expect(await store.bans.get('203.0.113.1')).toMatchObject({ endedAt: null });
});

it('keeps who is let in beside the bans, and tells nobody of it', async () => {
  const bans = start(2);
  const address = parseAddress('203.0.113.1')!;
  await bans.add(draft('203.0.113.0/24'));
  await bans.add(draft('+203.0.113.1', now + 1000));
  expect((await bans.holding(address))?.prefix).toBe('203.0.113.0/24');
  expect((await bans.allowing(address))?.prefix).toBe('+203.0.113.1');
  expect(await bans.allowing(parseAddress('203.0.113.2')!)).toBeUndefined();
  await bans.lift('+203.0.113.1', 'bob');
  expect(await bans.allowing(address)).toBeUndefined();
  expect(await told()).toEqual(['ip.banned']);
});
