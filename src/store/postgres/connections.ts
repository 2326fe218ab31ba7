import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import pg from 'pg';
import { endsConnection, fromPostgres } from './errors.ts';

/** How long things may take, in milliseconds. The server ends a statement first; the rest is for one that does not answer. */
export const timeouts = {
  connect: 5_000,
  statement: 10_000,
  lock: 5_000,
  idleInTransaction: 30_000,
  query: 12_000,
  idle: 30_000,
  end: 2_000,
} as const;

const { TIMESTAMPTZ, INT8, JSON: JSON_TEXT, JSONB } = pg.types.builtins;
const parseTime = pg.types.getTypeParser(TIMESTAMPTZ) as (text: string) => Date | number;

/** Times and counts become numbers, as the port has them; json stays text, which is parsed where it is read. */
const parsers = new Map<number, (text: string) => unknown>([
  [TIMESTAMPTZ, (text) => Number(parseTime(text))],
  [INT8, Number],
  [JSON_TEXT, String],
  [JSONB, String],
]);
const usualParser = pg.types.getTypeParser as (
  oid: number,
  format?: 'text' | 'binary',
) => (text: string) => unknown;
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => parsers.get(oid) ?? usualParser(oid, format),
};

/** What each connection is made with. */
export function connectionConfig(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: 'polymorph-proxy',
    options: '-c timezone=UTC -c datestyle=ISO',
    keepAlive: true,
    connectionTimeoutMillis: timeouts.connect,
    statement_timeout: timeouts.statement,
    lock_timeout: timeouts.lock,
    idle_in_transaction_session_timeout: timeouts.idleInTransaction,
    query_timeout: timeouts.query,
    types,
  };
}

/** A pool of connections, of which one is never given out again after it failed, and whose errors are StoreErrors. */
export interface Connections extends PostgresPool {
  /** Runs `work` with a connection of its own. */
  use<T>(work: (client: PostgresPoolClient) => Promise<T>): Promise<T>;
  end(): Promise<void>;
}

export function createConnections(url: string, size: number): Connections {
  const pool = new pg.Pool({ ...connectionConfig(url), max: size, idleTimeoutMillis: timeouts.idle });
  // One that breaks while idle: the pool drops it, and whoever needs the next hears of it there.
  pool.on('error', () => {});
  const clients = new Set<pg.PoolClient>();
  pool.on('connect', (client) => {
    clients.add(client);
    // The pool listens to idle ones only: of one in use an error would end the process. Its query hears of it too.
    client.on('error', () => {});
  });
  pool.on('remove', (client) => void clients.delete(client));

  const connect = async (): Promise<PostgresPoolClient> => {
    try {
      return guarded(await pool.connect());
    } catch (error) {
      throw fromPostgres(error);
    }
  };

  return {
    options: {},
    connect,
    async use(work) {
      const client = await connect();
      try {
        return await work(client);
      } finally {
        client.release();
      }
    },
    async end() {
      if (pool.ended || pool.ending) return;
      // A server that is stopped never says goodbye.
      const late = setTimeout(() => {
        for (const client of clients) client.connection.stream.destroy();
      }, timeouts.end);
      await pool.end();
      clearTimeout(late);
    },
  };
}

function guarded(client: pg.PoolClient): PostgresPoolClient {
  let broken: Error | undefined;
  return {
    async query<R>(text: unknown, values?: readonly unknown[]): Promise<PostgresQueryResult<R>> {
      // After a timeout the server may still be at the statement: nothing may follow it, a rollback neither.
      if (broken !== undefined) throw broken;
      try {
        const result = await client.query(text as string, values as unknown[] | undefined);
        return result as unknown as PostgresQueryResult<R>;
      } catch (error) {
        const mapped = fromPostgres(error);
        if (endsConnection(error)) broken = mapped;
        throw mapped;
      }
    },
    release: (destroy) => client.release(destroy === true || broken !== undefined),
  } as PostgresPoolClient;
}

declare module 'pg' {
  interface ClientBase {
    /** Not in its types: the way to let go of a socket whose peer does not answer. */
    readonly connection: { readonly stream: { destroy(): void } };
  }
}
