import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeyChange, openStore, type Store } from '../../store/index.ts';
import { LATENCY_BUCKETS, type LedgerRow } from '../../usage/index.ts';
import type { AccountsContext } from '../context.ts';
import {
  type OperationInput,
  type OperationName,
  type OperationResult,
  runOperation,
} from '../run-operation.ts';

/** A context on a real embedded store in a folder of its own, with a clock that stands. */
export interface TestAccounts extends AccountsContext {
  store: Store;
  folder: string;
  /** Epoch milliseconds. */
  at: number;
  /** What was announced. */
  changes: KeyChange[];
  run<Name extends OperationName>(name: Name, input: OperationInput<Name>): Promise<OperationResult<Name>>;
  /** Adds usage to the ledger; what is left out is one allowed call of `eth_call` that costs 1, now. */
  use(...rows: Partial<LedgerRow>[]): Promise<void>;
  end(): Promise<void>;
}

/** `url`: on that database of PostgreSQL instead. */
export async function startAccounts(at = Date.UTC(2026, 10, 28, 12), url?: string): Promise<TestAccounts> {
  const folder = mkdtempSync(join(tmpdir(), 'polymorph-accounts-'));
  const now = () => accounts.at;
  const store = await openStore({
    ...(url === undefined ? { kind: 'sqlite', folder: join(folder, 'store') } : { kind: 'postgres', url }),
    now: () => at,
  });
  let segments = 0;
  const accounts: TestAccounts = {
    ...{ store, folder, at, now, random: (size: number) => randomBytes(size), changes: [] },
    groups: () => ['read', 'logs'],
    sinks: () => ['billing', 'team'],
    journals: null,
    retention: () => ({ minutesMs: Infinity, hoursMs: Infinity, daysMs: Infinity }),
    run: (name, input) => runOperation(accounts, name, input) as never,
    async use(...rows) {
      segments += 1;
      await store.apply({
        ...{ segment: `test-0-0-${segments}`, from: 0, to: 1, closed: true, raw: [], lastUsed: new Map() },
        rows: rows.map((row) => ledgerRow(row, accounts.at)),
      });
    },
    async end() {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  store.watchKeys((change) => void accounts.changes.push(change));
  return accounts;
}

/** A row of the ledger with all that was left out. */
export function ledgerRow(row: Partial<LedgerRow>, at: number): LedgerRow {
  const latency = new Uint32Array(LATENCY_BUCKETS);
  latency[10] = row.calls ?? 1;
  return {
    ...{ minute: at - (at % 60_000), keyId: '00000000-0000-0000-0000-000000000000', network: 'mainnet' },
    ...{ method: 'eth_call', status: 0, event: false, calls: 1, cost: row.calls ?? 1, errors: 0 },
    ...{ bytesIn: 100, bytesOut: 200, latencyMicros: 50_000, latency },
    ...row,
  };
}
