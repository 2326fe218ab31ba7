import { afterAll, beforeAll } from 'vitest';
import { openStore } from '../open-store.ts';
import { describeStore } from '../testing/contract.ts';
import { type PostgresServer, runSql, startPostgres } from '../testing/postgres.ts';
import { noon } from '../testing/subject.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

describeStore('the PostgreSQL store', async () => {
  const url = await server.createDatabase();
  const clock = { now: noon };
  const open = () => openStore({ kind: 'postgres', url, now: () => clock.now });
  const store = await open();
  return {
    store,
    another: open,
    clock,
    sql: async (text) => void (await runSql(url, text)),
    async countLogs(keyId) {
      const whose = keyId === null ? 'is null' : `= '${keyId}'`;
      const [row] = await runSql(
        url,
        `select count(*)::int as count from usage_logs where api_key_id ${whose}`,
      );
      return row?.count as number;
    },
    end: () => store.close(),
  };
});
