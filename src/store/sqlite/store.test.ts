import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { openStore } from '../open-store.ts';
import { describeStore } from '../testing/contract.ts';
import { noon } from '../testing/subject.ts';

describeStore('the SQLite store', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'polymorph-store-'));
  const clock = { now: noon };
  const store = await openStore({ kind: 'sqlite', folder, now: () => clock.now });
  const beside = new Database(join(folder, 'polymorph.db'));
  beside.pragma('foreign_keys = ON');
  const logs = beside.prepare('select count(*) as count from usage_logs where api_key_id is ?').pluck();
  return {
    store,
    another: null,
    clock,
    sql: async (text) => void beside.exec(text),
    countLogs: async (keyId) => logs.get(keyId) as number,
    async end() {
      beside.close();
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
});
