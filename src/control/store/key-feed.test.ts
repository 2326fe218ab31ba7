import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStore, type Store } from '../../store/index.ts';
import { createKeyFeed } from './key-feed.ts';
import type { FromStore } from './messages.ts';

let folder = '';
let store: Store;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'polymorph-feed-'));
  store = await openStore({ kind: 'sqlite', folder, now: () => 0 });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const id = '11111111-2222-4333-8444-555555555555';

async function until(what: () => boolean): Promise<void> {
  for (const from = performance.now(); !what(); await new Promise((resolve) => setTimeout(resolve, 5)))
    if (performance.now() - from > 5000) throw new Error(`never: ${what}`);
}

it('a revocation does not wait until all keys were read, and is told of again afterwards', async () => {
  await store.users.insert({
    ...{
      id: '99999999-2222-4333-8444-555555555555',
      email: 'a@example.com',
      name: 'a',
      tier: 'free',
      quota: null,
    },
    ...{ createdAt: 0, updatedAt: 0, deletedAt: null },
  });
  await store.keys.insert({
    ...{ id, userId: '99999999-2222-4333-8444-555555555555', source: 'store', sha256: 'ab'.repeat(32) },
    ...{ prefix: 'abcdefgh', name: 'mine', enabled: true, expiresAt: null, previousSha256: null },
    ...{ previousUntil: null, quota: null, overrides: [], createdAt: 0, lastUsedAt: null, deletedAt: null },
  });
  const told: FromStore[] = [];
  const feed = createKeyFeed(store, (message) => told.push(message));
  const enabled = () => told.map((message) => message.type === 'key' && message.key?.enabled[0]);
  expect((await feed.first())?.ids).toEqual([id]);
  await store.keys.update(id, { enabled: false });
  await store.announce({ keyId: id });
  await until(() => told.length === 1);
  expect(enabled()).toEqual([0]);
  expect(await feed.next()).toBe(null);
  await until(() => told.length === 2);
  expect(enabled()).toEqual([0, 0]);
});

it('answers what was asked ahead, and whoever begins anew gets all of them again', async () => {
  await store.transaction(async ({ keys }) => {
    for (let n = 0; n < 1001; n += 1) {
      await keys.insert({
        ...{ id: id.replace('1111', n.toString(16).padStart(4, '0')), userId: null, source: 'store' },
        ...{ sha256: n.toString(16).padStart(64, '0'), prefix: 'abcdefgh', name: `n${n}`, enabled: true },
        ...{ expiresAt: null, previousSha256: null, previousUntil: null, quota: null, overrides: [] },
        ...{ createdAt: 0, lastUsedAt: null, deletedAt: null },
      });
    }
  });
  const feed = createKeyFeed(store, () => undefined);
  const asked = [feed.first(), feed.next(), feed.next(), feed.next()];
  const again = [feed.first()];
  const sizes = async (all: typeof asked) => (await Promise.all(all)).map((piece) => piece?.ids.length);
  expect(await sizes(asked)).toEqual([1000, 1, undefined, undefined]);
  expect(await sizes([...again, feed.next(), feed.next()])).toEqual([1000, 1, undefined]);
});
