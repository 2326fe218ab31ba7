import { parentPort, workerData } from 'node:worker_threads';
import SqliteConnection from 'better-sqlite3';
import type { ReaderAnswer, ReaderQuestion } from './reader.ts';
import { readFailure } from './read-failure.ts';

/** Entry of the reader's thread: a connection that only reads, and one query after the other. */
const port = parentPort;
if (port === null) throw new Error('this file is the entry of a thread');

/** Rows a message: who takes them does its other work between two. */
const rowsAtOnce = 1000;
const busyTimeoutMs = 5_000;
const { file } = workerData as { file: string };
const tell = (answer: ReaderAnswer) => port.postMessage(answer);

port.on('message', ({ sql, parameters }: ReaderQuestion) => {
  try {
    const database = new SqliteConnection(file, {
      readonly: true,
      fileMustExist: true,
      timeout: busyTimeoutMs,
    });
    try {
      let rows: unknown[] = [];
      for (const row of database.prepare<unknown[]>(sql).iterate(...parameters)) {
        rows.push(row);
        if (rows.length < rowsAtOnce) continue;
        tell({ type: 'rows', rows });
        rows = [];
      }
      tell({ type: 'end', rows });
    } finally {
      database.close();
    }
  } catch (error) {
    tell({ type: 'failed', ...readFailure(error) });
  }
});
