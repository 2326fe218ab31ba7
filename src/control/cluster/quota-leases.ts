import { setImmediate as turn } from 'node:timers/promises';
import {
  type LeaseState,
  type QuotaCeilings,
  type QuotaLeaseStore,
  type QuotaNeed,
  quotaPeriod,
} from '../../limits/index.ts';
import { within } from '../../events/index.ts';
import { patiently } from '../patience.ts';
import type { QuotaOwner } from '../policy-keeper.ts';
import type { LedgerSums } from '../store/quota-keeper.ts';
import { askOf, type QuotaAccount, settle } from './quota-account.ts';
import { quotaTiming } from './quota-timing.ts';

/** Keeps what this instance holds of quotas that it shares with others. */
export interface QuotaLeases {
  /** Asks for what calls wait for or will soon. Resolves when all are answered, or Redis did not: then shares decide. */
  need(needs: readonly QuotaNeed[]): Promise<void>;
  /** The slot counts for another owner from now on, or by another unit or period. */
  own(owner: QuotaOwner): void;
  /** The ledger says that others used so much more, or less: counts where Redis does not say so itself. */
  usedElsewhere(slot: number, periodId: number, change: number): void;
  /** All that is held goes back, within `boundMs`. */
  drain(boundMs: number): Promise<void>;
  stop(): void;
}

export interface QuotaLeasesOptions {
  ceilings: QuotaCeilings;
  store: QuotaLeaseStore;
  state: LeaseState;
  ownerOf(slot: number): QuotaOwner | undefined;
  /** See `QuotaAsk`. */
  instance: string;
  ledger: string;
  /** What the ledger said last was used in the period; null: it is not to be counted on now. */
  ledgerOf(owner: QuotaOwner, periodId: number): LedgerSums | null;
  wallMs(): number;
  monotonicMs(): number;
  timing?: Partial<typeof quotaTiming>;
}

const ACCOUNTS_A_TURN = 2000;
/** What holds nothing is used only after it was asked for: what may change is that some is given back, or the ledger's sum. */
const LOOKS_AT_RESTING = 10;
/** Redis answers so many within the time of a command: some 20 µs each. */
const ASKS_A_BATCH = 500;

function* inBatches(accounts: readonly QuotaAccount[]): Iterable<QuotaAccount[]> {
  for (let from = 0; from < accounts.length; from += ASKS_A_BATCH)
    yield accounts.slice(from, from + ASKS_A_BATCH);
}

export function createQuotaLeases(options: QuotaLeasesOptions): QuotaLeases {
  const { ceilings, store, state, monotonicMs } = options;
  const timing = { ...quotaTiming, ...options.timing };
  /** By slot. */
  const accounts = new Map<number, QuotaAccount>();
  const due = new Set<QuotaAccount>();
  /** Of the last ask: no two of this process have one number, whatever becomes of their accounts. */
  let seq = 0;
  let sending: Promise<void> | null = null;

  function accountOf({ slot, periodId }: Pick<QuotaNeed, 'slot' | 'periodId'>): QuotaAccount | undefined {
    const owner = options.ownerOf(slot);
    if (owner === undefined) return undefined;
    const known = accounts.get(slot);
    if (known?.periodId === periodId) {
      // A limit may be another than it was.
      known.owner = owner;
      return known;
    }
    const { id, resetsAtMs } = quotaPeriod(owner.quota.period, options.wallMs());
    // A worker that has not seen midnight yet.
    if (id !== periodId) return undefined;
    const account: QuotaAccount = {
      ...{ owner, periodId, resetsAtMs, answered: 0, base: -1, held: 0, pending: null },
      ...{ wanted: 0, least: 0, size: 0, grantedAtMs: 0, usedAtMs: monotonicMs(), used: 0, reported: 0 },
      ledgerTold: 0,
    };
    accounts.set(slot, account);
    return account;
  }

  async function makeAsk(account: QuotaAccount, leave: boolean): Promise<QuotaAccount['pending']> {
    const { slot } = account.owner;
    const { periodId } = account;
    const reading = await patiently(() =>
      leave ? ceilings.close(slot, periodId) : ceilings.read(slot, periodId),
    );
    if (reading === null) return null;
    seq += 1;
    const ask = askOf(account, reading, {
      ...{ leave, seq },
      ...{ instance: options.instance, instances: state.instances, ledger: options.ledger },
      ledgerSum: (spent) => (account.ledgerTold = ledgerSumOf(account, spent)),
      nowMs: monotonicMs(),
    });
    account.pending = { ask, base: account.base };
    return account.pending;
  }

  /** What was not used for a while is in the ledger, or will be: until then a call may come to nothing, and is none of its use. */
  function ledgerSumOf(account: QuotaAccount, spent: number): number {
    const ledger = options.ledgerOf(account.owner, account.periodId);
    if (ledger === null) return 0;
    if (monotonicMs() - account.usedAtMs < timing.restMs) return ledger.total;
    return Math.max(ledger.total, ledger.elsewhere + account.reported + spent);
  }

  async function send(batch: readonly QuotaAccount[], leave: boolean): Promise<void> {
    const asked: { account: QuotaAccount; pending: NonNullable<QuotaAccount['pending']> }[] = [];
    for (const account of batch) {
      const pending = account.pending ?? (await makeAsk(account, leave));
      if (pending !== null) asked.push({ account, pending });
      else forget(account);
    }
    const answers = await store.ask(asked.map(({ pending }) => pending.ask));
    for (const [at, { account, pending }] of asked.entries()) {
      const answer = answers[at] ?? null;
      if (answer === null) continue;
      const { slot } = account.owner;
      const { change, ceiling, low } = settle(account, pending, answer);
      account.grantedAtMs = monotonicMs();
      // Its owner is another meanwhile.
      if (accounts.get(slot) !== account) continue;
      const { periodId } = account;
      if (!(await patiently(() => ceilings.grant(slot, periodId, change, ceiling, low)))) forget(account);
      else if (low === 'dry')
        setTimeout(() => {
          if (accounts.get(slot) === account)
            void patiently(() => ceilings.moisten(slot, periodId)).catch(() => undefined);
        }, timing.dryMs).unref();
    }
  }

  function forget(account: QuotaAccount): void {
    if (accounts.get(account.owner.slot) === account) accounts.delete(account.owner.slot);
  }

  /** One batch is under way at a time: an account has one ask at most. */
  function flush(): Promise<void> {
    sending ??= (async () => {
      // What comes in the same turn goes with it.
      await Promise.resolve();
      const batch: QuotaAccount[] = [];
      for (const account of due) {
        if (batch.length === ASKS_A_BATCH) break;
        batch.push(account);
        due.delete(account);
      }
      try {
        await send(batch, false);
      } finally {
        sending = null;
      }
    })();
    return sending;
  }

  /** Waits for the batch that has the account in it, and once more where an earlier ask had to be repeated first. */
  async function asked(account: QuotaAccount): Promise<void> {
    while (due.has(account)) await flush();
    if (account.least > 0 && account.pending === null && accounts.get(account.owner.slot) === account) {
      due.add(account);
      while (due.has(account)) await flush();
    }
  }

  let looks = 0;

  async function look(leaveAll: boolean): Promise<void> {
    const nowMs = monotonicMs();
    looks += 1;
    const present = {
      day: quotaPeriod('day', options.wallMs()),
      month: quotaPeriod('month', options.wallMs()),
    };
    const report: QuotaAccount[] = [];
    const leave: QuotaAccount[] = [];
    let looked = 0;
    for (const account of accounts.values()) {
      looked += 1;
      if (looked % ACCOUNTS_A_TURN === 0) await turn();
      const { slot, quota } = account.owner;
      if (present[quota.period].id > account.periodId) {
        accounts.delete(slot);
        continue;
      }
      const rests = account.held === 0 && account.pending === null;
      if (rests && !leaveAll && (slot + looks) % LOOKS_AT_RESTING !== 0) continue;
      const reading = await patiently(() => ceilings.read(slot, account.periodId));
      if (reading === null) continue;
      // Its first ask is under way.
      if (account.base < 0) continue;
      const spent = reading.used - account.base;
      if (account.reported + spent !== account.used) {
        account.used = account.reported + spent;
        account.usedAtMs = nowMs;
      }
      const holds = account.held > spent;
      const owes = account.pending !== null || spent !== 0;
      if (leaveAll ? holds || owes : holds && nowMs - account.usedAtMs >= timing.idleMs) leave.push(account);
      else if (
        account.pending !== null ||
        nowMs - account.grantedAtMs >= reportAfter(account, spent) ||
        ledgerSumOf(account, spent) > account.ledgerTold
      )
        report.push(account);
    }
    // A batch at a time: what calls wait for goes before the next.
    for (const some of inBatches(report)) {
      for (const account of some) due.add(account);
      for (const account of some) while (due.has(account)) await flush();
    }
    for (const some of inBatches(leave)) await alone(() => send(some, true));
  }

  function reportAfter({ base, owner, usedAtMs, grantedAtMs }: QuotaAccount, spent: number): number {
    if (spent !== 0) return timing.reportMs;
    if (base < owner.quota.limit) return Number.POSITIVE_INFINITY;
    return Math.min(timing.usedUpMsMax, Math.max(timing.usedUpMs, grantedAtMs - usedAtMs));
  }

  /** Beside no other batch. */
  async function alone(work: () => Promise<void>): Promise<void> {
    if (sending !== null) {
      await sending.catch(() => undefined);
      return alone(work);
    }
    sending = work().finally(() => {
      sending = null;
    });
    await sending;
  }

  let looking = false;
  const ticks = setInterval(() => {
    if (looking) return;
    looking = true;
    look(false)
      .catch(() => undefined)
      .finally(() => {
        looking = false;
      });
  }, timing.tickMs);
  ticks.unref();

  return {
    async need(needs) {
      const waiting = new Set<QuotaAccount>();
      for (const need of needs) {
        const account = accountOf(need);
        if (account === undefined) continue;
        account.least = account.least === 0 ? need.cost : Math.min(account.least, need.cost);
        account.wanted += need.cost;
        due.add(account);
        waiting.add(account);
      }
      await Promise.all([...waiting].map(asked));
    },
    own(owner) {
      const { slot, name, quota } = owner;
      const known = accounts.get(slot)?.owner;
      // It has its quota back, and goes on where it was.
      if (known?.name === name && known.quota.unit === quota.unit && known.quota.period === quota.period)
        return;
      accounts.delete(slot);
      void patiently(() => ceilings.clear(slot)).catch(() => undefined);
    },
    usedElsewhere(slot, periodId, change) {
      const account = accounts.get(slot);
      const moved = ceilings.shift(slot, periodId, change);
      if (account !== undefined && account.periodId === periodId && account.base >= 0) account.base += moved;
    },
    async drain(boundMs) {
      clearInterval(ticks);
      // Twice: an answer that was lost must be had before what is held can go back.
      const left = alone(async () => {})
        .then(() => look(true))
        .then(() => look(true));
      await within(boundMs, left).catch(() => undefined);
    },
    stop() {
      clearInterval(ticks);
    },
  };
}
