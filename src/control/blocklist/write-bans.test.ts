import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Ban } from '../../admission/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { beganNews, endedNews } from './ban-events.ts';
import type { ToldChange } from './ban-journal.ts';
import { rowOf } from './bans.ts';
import { entryOf } from './testing/entry-of.ts';
import { writeBans } from './write-bans.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'polymorph-bans-'));
  store = await openStore({ kind: 'sqlite', folder, now: Date.now });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const ban: Ban = {
  ...{ prefix: '203.0.113.9', reason: 'r', by: 'ada', beganAt: 1, until: null, times: 1 },
  simulated: false,
};
const begin = (): ToldChange => ({
  change: { kind: 'put', ban: rowOf(ban) },
  event: entryOf(beganNews(ban).event!),
});
const end = (): ToldChange => ({
  change: { kind: 'end', prefix: ban.prefix, beganAt: ban.beganAt, endedAt: 5 },
  event: entryOf(endedNews(ban, 'lifted', 'bob', 5).event!),
});
const told = async () => (await store.outbox.list({}, 10)).map(({ type }) => type).reverse();

it('puts a ban and its event into the store together; an end that was made before is not told of again', async () => {
  expect(await writeBans(store, [begin(), end(), end()])).toEqual([true, true, false]);
  expect(await told()).toEqual(['ip.banned', 'ip.unbanned']);
});

it('without the event there is no ban', async () => {
  const odd = { ...begin(), event: { ...entryOf(beganNews(ban).event!), severity: null as never } };
  await expect(writeBans(store, [odd])).rejects.toThrow();
  expect(await store.bans.get(ban.prefix)).toBeNull();
  expect(await told()).toEqual([]);
});
