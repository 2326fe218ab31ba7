/**
 * How fast the stores are: `node src/store/testing/measure.ts [sqlite|postgres]`. Usage is what a gateway sees in a second: `records` frames of
 * `keys` keys and 8 methods, folded to rows by minute, as the applier does; so many batches one after another.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LATENCY_BUCKETS, type LedgerBatch, type LedgerRow } from '../../usage/index.ts';
import { openStore } from '../open-store.ts';
import type { Store } from '../store.ts';
import { startPostgres } from './postgres.ts';
import { key } from './subject.ts';

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

function batches(keyIds: readonly string[], records: number, count: number): LedgerBatch[] {
  const segment = randomUUID();
  return Array.from({ length: count }, (_, nth) => {
    const minute = Date.UTC(2026, 10, 28, 12) + Math.floor(nth / 5) * 60_000;
    const rows = new Map<string, LedgerRow>();
    for (let record = 0; record < records; record++) {
      const keyId = keyIds[Math.floor(Math.random() * keyIds.length)]!;
      const method = methods[Math.floor(Math.random() * methods.length)]!;
      const bucket = Math.floor(Math.random() * 12);
      const name = `${keyId} ${method}`;
      const row = rows.get(name);
      if (row !== undefined) {
        row.calls++;
        row.latency[bucket]!++;
        continue;
      }
      const latency = new Uint32Array(LATENCY_BUCKETS);
      latency[bucket] = 1;
      rows.set(name, {
        ...{
          minute,
          keyId,
          network: 'mainnet',
          method,
          status: 0,
          event: false,
          calls: 1,
          cost: 1,
          errors: 0,
        },
        ...{ bytesIn: 100, bytesOut: 1000, latencyMicros: 5000, latency },
      });
    }
    const lastUsed = new Map([...rows.values()].map((row) => [row.keyId, minute] as const));
    return {
      segment,
      from: nth * 100,
      to: nth * 100 + 100,
      closed: false,
      rows: [...rows.values()],
      raw: [],
      lastUsed,
    };
  });
}

async function measure(store: Store): Promise<void> {
  const keys = Array.from({ length: 100_000 }, (_, at) =>
    key({ overrides: at % 10 === 0 ? [{ method: '*', requests: 5, periodMs: 1000, burstSize: 1 }] : [] }),
  );
  for (let at = 0; at < keys.length; at += 5000)
    await store.transaction(async (tables) => {
      for (const each of keys.slice(at, at + 5000)) await tables.keys.insert(each);
    });
  for (let run = 0; run < 3; run++) {
    const began = performance.now();
    let count = 0;
    for await (const page of store.policyKeys()) count += page.length;
    console.log(`${store.kind}: ${count} keys in ${Math.round(performance.now() - began)} ms`);
  }
  const ids = keys.map(({ id }) => id);
  for (const [keyCount, records] of [
    [100, 50_000],
    [1000, 50_000],
    [10_000, 50_000],
    [100_000, 50_000],
  ] as const) {
    const all = batches(ids.slice(0, keyCount), records, 10);
    const rows = all.reduce((sum, { rows }) => sum + rows.length, 0) / all.length;
    const began = performance.now();
    for (const batch of all) await store.apply(batch);
    const seconds = (performance.now() - began) / 1000;
    const rate = Math.round((records * all.length) / seconds);
    console.log(
      `${store.kind}: batches of ${records} records of ${keyCount} keys, ${Math.round(rows)} rows: ` +
        `${rate} records/s, ${Math.round((rows * all.length) / seconds)} rows/s`,
    );
  }
}

if (process.argv[2] !== 'postgres') {
  const folder = mkdtempSync(join(tmpdir(), 'polymorph-measure-'));
  const store = await openStore({ kind: 'sqlite', folder });
  await measure(store);
  await store.close();
  rmSync(folder, { recursive: true });
}
if (process.argv[2] !== 'sqlite') {
  const server = await startPostgres({ durable: true });
  const store = await openStore({ kind: 'postgres', url: await server.createDatabase() });
  await measure(store);
  await store.close();
  await server.stop();
}
