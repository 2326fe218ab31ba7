import { Worker } from 'node:worker_threads';
import {
  type CompiledQuery,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { Schema } from '../schema.ts';
import type { StoreErrorCode } from '../store.ts';
import { StoreError } from '../store-error.ts';

export interface ReaderQuestion {
  sql: string;
  parameters: readonly unknown[];
}

export type ReaderAnswer =
  | { type: 'rows' | 'end'; rows: unknown[] }
  | { type: 'failed'; code: StoreErrorCode; message: string };

/**
 * The file for queries that may read very much, in a thread of its own: sums over 400,000 rows take SQLite seconds, which whoever asks
 * would be held for. A reader of a WAL blocks nobody, and sees what was committed before it began. The thread is started by the
 * first query and ends some time after the last.
 */
export interface Reader {
  db: Kysely<Schema>;
  close(): Promise<void>;
}

/** The thread and its driver take some 10 MB. */
const idleMs = 10_000;
/** Rows leave it by the thousand: more is only needed where something is wrong. */
const heapMb = 64;
// Sources run as they are, and the published package as JavaScript.
const threadUrl = new URL(
  `./reader-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
);

export function createReader(file: string): Reader {
  let thread: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let closed = false;
  let last: Promise<unknown> = Promise.resolve();

  const end = async (): Promise<void> => {
    const ending = thread;
    thread = undefined;
    await ending?.terminate();
  };

  const ask = (question: ReaderQuestion): Promise<unknown[]> =>
    new Promise((resolve, reject) => {
      if (closed) return reject(new StoreError('unavailable', 'the store is closed'));
      clearTimeout(idle);
      const asked = (thread ??= begin(threadUrl, file));
      const all: unknown[] = [];
      const done = () => {
        asked.off('message', hear).off('exit', gone).off('error', gone);
        asked.unref();
        idle = setTimeout(() => void end(), idleMs).unref();
      };
      const hear = (answer: ReaderAnswer) => {
        if (answer.type === 'failed') {
          done();
          return reject(new StoreError(answer.code, answer.message));
        }
        for (const row of answer.rows) all.push(row);
        if (answer.type !== 'end') return;
        done();
        resolve(all);
      };
      const gone = (why: unknown) => {
        if (thread === asked) thread = undefined;
        done();
        const reason = why instanceof Error ? why.message : 'it was ended';
        reject(new StoreError('unavailable', `the thread that reads usage has died: ${reason}`));
      };
      asked.on('message', hear).once('error', gone).once('exit', gone);
      asked.ref();
      asked.postMessage(question);
    });

  const query = (question: ReaderQuestion): Promise<unknown[]> => {
    const next = last.then(() => ask(question));
    last = next.catch(() => {});
    return next;
  };

  const connection = {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      return { rows: (await query({ sql, parameters })) as R[] };
    },
    streamQuery(): never {
      throw new Error('nothing is streamed here');
    },
  };
  const db = new Kysely<Schema>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createDriver: () => ({
        init: async () => {},
        acquireConnection: async () => connection,
        beginTransaction: readOnly,
        commitTransaction: readOnly,
        rollbackTransaction: readOnly,
        releaseConnection: async () => {},
        destroy: async () => {},
      }),
    },
  });
  return {
    db,
    async close() {
      closed = true;
      clearTimeout(idle);
      await end();
    },
  };
}

function begin(url: URL, file: string): Worker {
  const thread = new Worker(url, {
    name: 'usage reader',
    workerData: { file },
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  });
  // Between two queries nobody else listens, and an error that nobody hears ends the process.
  thread.on('error', () => {});
  return thread;
}

async function readOnly(): Promise<never> {
  throw new Error('a reader has no transactions');
}
