/**
 * How fast a running gateway applies journals, and whether its callers notice: `node test/store/measure-backlog.ts sqlite|postgres [keys]`. Calls at
 * half of what the machine can do with all in one place (client, node, gateway with one worker, database); their p99 by turns without
 * anything, beside a process that only keeps a processor busy, and with a backlog of two million records, which is put into the journals' folder as if a run before had left it.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { runSql, startPostgres } from '../../src/store/testing/postgres.ts';
import { createJournalWriter, LATENCY_BUCKETS, type UsageRecord } from '../../src/usage/index.ts';
import { startFakeUpstream } from '../fakes/upstream.ts';
import { startStoreGateway } from './gateway.ts';
import { startStoreLoad } from './load.ts';

const [kind = 'sqlite', keysText = '1000'] = process.argv.slice(2);
const RECORDS = 2_000_000;
const A_FRAME = 64;
const ROUNDS = 2;
const QUIET_MS = 5000;
const CONNECTIONS = 16;
const callerKey = 'measure-key-of-22-characters';

/** Segments of a run that is over, a frame of 64 different calls after the other. */
function writeBacklog(folder: string, run: string): void {
  const keys = Array.from({ length: Number(keysText) }, () => randomUUID());
  const methods = [
    'eth_call',
    'eth_getLogs',
    'eth_blockNumber',
    'eth_getBalance',
    'eth_chainId',
    'a',
    'b',
    'c',
  ];
  const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)]!;
  const writer = createJournalWriter({
    ...{ folder, run, slot: 0, start: 0, epochMs: Date.now, nowMs: () => performance.now() },
    holds: () => false,
    onFull(full, reason) {
      if (full) throw new Error(reason);
    },
  });
  for (let record = 0; record < RECORDS; record += A_FRAME)
    writer.write(
      Array.from({ length: A_FRAME }, (): UsageRecord => {
        const latency = new Uint32Array(LATENCY_BUCKETS);
        latency[Math.floor(Math.random() * 12)] = 1;
        return {
          ...{ keyId: pick(keys), network: 'mainnet', method: pick(methods), status: 0, event: false },
          ...{ calls: 1, cost: 1, errors: 0, bytesIn: 100, bytesOut: 1000, latencyMicros: 5000, latency },
        };
      }),
    );
  if (writer.close() > 0) throw new Error('the backlog was not written');
}

const folder = mkdtempSync(join(tmpdir(), 'polymorph-backlog-'));
const state = join(folder, '.polymorph');
const postgres = kind === 'postgres' ? await startPostgres({ durable: true }) : undefined;
const store = await postgres?.createDatabase();
const node = await startFakeUpstream();
const gateway = await startStoreGateway({
  ...{ node: node.url, folder },
  ...(store !== undefined && { store }),
  config: { server: { workers: 1 }, keys: [{ name: 'caller', key: callerKey }] },
});
const forgetting = setInterval(() => node.forget(), 500);

async function closedSegments(run: string): Promise<number> {
  const query = `select count(*) as n from journal_segments where name like '${run}-%' and closed`;
  if (store !== undefined) return Number((await runSql(store, query))[0]!['n']);
  const database = new Database(join(state, 'polymorph.db'), { readonly: true, timeout: 5000 });
  const { n } = database.prepare(query).get() as { n: number };
  database.close();
  return n;
}

async function during(pauseMs: number, work: () => Promise<unknown>) {
  const load = startStoreLoad(gateway.program.port, callerKey, { connections: CONNECTIONS, pauseMs });
  const began = performance.now();
  await work();
  const ms = performance.now() - began;
  await load.stop();
  if (Object.keys(load.others).length > 0) throw new Error(JSON.stringify(load.others));
  return { ms, p99Ms: load.p99Ms(), perS: (load.received / ms) * 1000 };
}

try {
  await during(0, () => delay(2000));
  const most = await during(0, () => delay(4000));
  const pauseMs = (2 * CONNECTIONS * 1000) / most.perS;
  console.log(`${kind}, ${keysText} keys: ${Math.round(most.perS)} calls/s at most`);
  for (let round = 0; round < ROUNDS; round += 1) {
    const run = `backlog${round}`;
    const made = join(folder, run);
    mkdirSync(made);
    writeBacklog(made, run);
    const files = readdirSync(made);
    const without = await during(pauseMs, () => delay(QUIET_MS));
    const busy = await during(pauseMs, async () => {
      const burner = spawn(process.execPath, ['-e', 'for (;;);']);
      await delay(QUIET_MS);
      burner.kill('SIGKILL');
    });
    const backlog = await during(pauseMs, async () => {
      for (const file of files) renameSync(join(made, file), join(state, 'journal', file));
      // Rarely: the look at the database stands in the way of the client, who is in this process.
      do await delay(1000);
      while ((await closedSegments(run)) < files.length);
    });
    console.log(
      `without: ${Math.round(without.perS)} calls/s, p99 ${without.p99Ms.toFixed(2)} ms; beside a process that only spins: ` +
        `p99 ${busy.p99Ms.toFixed(2)} ms; with a backlog: ` +
        `${Math.round(backlog.perS)} calls/s, p99 ${backlog.p99Ms.toFixed(2)} ms, ` +
        `${Math.round(RECORDS / (backlog.ms / 1000))} records/s applied; machine load ${loadavg()[0]!.toFixed(1)}`,
    );
  }
} finally {
  clearInterval(forgetting);
  await gateway.program.kill();
  await node.close();
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
}
