import { setImmediate as turn } from 'node:timers/promises';
import { userIdOf } from '../../config/index.ts';
import { type Buckets, type QuotaPeriod, quotaPeriod } from '../../limits/index.ts';
import { patiently } from '../patience.ts';
import type { QuotaOwner } from '../policy-keeper.ts';
import { ledgerSubject } from './ledger-subject.ts';
import type { QuotaUse, SubjectUse, UseQuestion } from './messages.ts';

/**
 * Keeps the shared slots that quotas are counted in true to the ledger: at start, and from then on by what other instances
 * used. A slot holds what came from elsewhere (other instances, earlier runs) and what this run counted itself.
 */
export interface QuotaKeeper {
  /** The slot counts for this key or user from now on, or by another unit or period. */
  own(owner: QuotaOwner): void;
  /** Takes what slots hold now, of the last run's saved state, for what came from elsewhere. */
  restored(): void;
  /**
   * The store's thread of this number answers. One that took another's place knows nothing of what this run has put into the ledger
   * before; one that is the same knows all, however long its database was away.
   */
  answeredBy(thread: number): void;
  /** Reads the ledger and corrects the slots. `of`: `changed` where only other instances' use is asked for. */
  sync(of: 'all' | 'changed'): Promise<void>;
  /**
   * The ledger lacks usage that is in journals of earlier runs, or (false) has it all: while it lacks some, slots are raised to what
   * it has, and never lowered.
   */
  lacks(some: boolean): void;
  /** Of owners that are so since the last look. */
  syncNew(): Promise<void>;
  /** What the ledger said last of the owner of this name in the period. */
  ledgerOf(name: string, periodId: number): LedgerSums;
}

export interface LedgerSums {
  /** All that was used; 0 also where the ledger said nothing yet. */
  total: number;
  /** Of it, what is not this run's. */
  elsewhere: number;
}

export interface QuotaKeeperOptions {
  buckets: Pick<Buckets, 'readQuota' | 'writeQuota' | 'adjustQuota'>;
  /** Whose slot it is now. */
  ownerOf(slot: number): string | undefined;
  use(question: UseQuestion): Promise<QuotaUse>;
  wallMs(): number;
}

interface Account {
  owner: QuotaOwner;
  period: QuotaPeriod;
  /** Of what the slot holds, that from elsewhere. */
  elsewhere: number;
  /** Of the ledger's sum, what the store thread does not know to be this run's. */
  unclaimed: number;
  /** What the ledger said. */
  ledger: LedgerSums;
  /** `add`: what the slot counted so far is this run's. `set`: it may lack what the ledger has. */
  fresh: 'add' | 'set' | null;
  reclaim: boolean;
}

const nothing: LedgerSums = { total: 0, elsewhere: 0 };
/** Slots corrected before main turns to other things. */
const SLOTS_A_TURN = 2000;
/** The ledger is asked for so many by name; for more, all that it has are read at once. */
const NAMED_MAX = 2000;

export function createQuotaKeeper(options: QuotaKeeperOptions): QuotaKeeper {
  const { buckets, ownerOf, wallMs } = options;
  /** By subject. */
  const accounts = new Map<string, Account>();
  /** A user had a quota once: sums of users are read, too. */
  let users = false;
  const fresh = new Set<string>();
  let synced = false;
  let thread = 0;
  let lacking = false;

  const open = (owner: QuotaOwner): Account => ({
    owner,
    period: quotaPeriod(owner.quota.period, wallMs()),
    elsewhere: 0,
    unclaimed: 0,
    ledger: nothing,
    fresh: synced ? 'set' : 'add',
    reclaim: false,
  });

  /** The clock went on to another day or month: nothing of it was used anywhere yet. A clock that goes back changes nothing. */
  function enter(account: Account, nowMs: number): void {
    const period = quotaPeriod(account.owner.quota.period, nowMs);
    if (period.id <= account.period.id) return;
    Object.assign(account, { period, elsewhere: 0, unclaimed: 0, ledger: nothing, reclaim: false });
  }

  /** False, and nothing was done, where `starts` are of a period that was over by the time the answer came. */
  async function correct(
    account: Account,
    starts: QuotaUse['starts'],
    use: SubjectUse | undefined,
  ): Promise<boolean> {
    const { owner } = account;
    const { slot, quota } = owner;
    const startMs = starts[quota.period];
    enter(account, Math.max(wallMs(), startMs));
    if (quotaPeriod(quota.period, startMs).id < account.period.id) return false;
    const total = use?.[quota.period][quota.unit === 'cost' ? 'cost' : 'requests'] ?? 0;
    const ownUse = quota.period === 'day' ? use?.ownDay : use?.ownMonth;
    const own = ownUse?.[quota.unit === 'cost' ? 'cost' : 'requests'] ?? 0;
    const { id } = account.period;
    await patiently(() => {
      if (account.fresh === 'set') {
        buckets.writeQuota(slot, id, Math.max(total, buckets.readQuota(slot, id)));
        account.elsewhere = total - own;
      } else {
        if (account.reclaim) {
          const counted = buckets.readQuota(slot, id) - account.elsewhere;
          const elsewhere = Math.max(account.elsewhere, total - counted);
          account.unclaimed = total - own - elsewhere;
        }
        const known = total - own - account.unclaimed;
        const elsewhere = lacking ? Math.max(known, account.elsewhere) : known;
        if (elsewhere !== account.elsewhere) buckets.adjustQuota(slot, id, elsewhere - account.elsewhere);
        account.elsewhere = elsewhere;
      }
      account.ledger = { total, elsewhere: total - own - account.unclaimed };
      account.fresh = null;
      account.reclaim = false;
    });
    return true;
  }

  /** False: some must be read again. */
  async function correctAll({ starts, uses }: QuotaUse, ids: Iterable<string>): Promise<boolean> {
    const byId = new Map(uses.map((use) => [use.id, use]));
    let done = 0;
    let current = true;
    for (const id of ids) {
      const account = accounts.get(id);
      if (account === undefined) continue;
      if (ownerOf(account.owner.slot) !== account.owner.name) accounts.delete(id);
      else if (!(await correct(account, starts, byId.get(id)))) current = false;
      done += 1;
      if (done % SLOTS_A_TURN === 0) await turn();
    }
    return current;
  }

  /** Of two readings the later must be taken over last. */
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const next = last.then(work);
    last = next.catch(() => undefined);
    return next;
  };

  const ask = (of: UseQuestion['of'], subjects: UseQuestion['subjects']): Promise<QuotaUse> =>
    options.use({ nowMs: wallMs(), of, subjects, users });

  async function sync(of: 'all' | 'changed'): Promise<void> {
    const asked = [...accounts.keys()];
    const read = await ask(of, asked.length > NAMED_MAX ? null : asked);
    // Not those that came meanwhile: nothing was asked of them.
    if (of === 'all') for (const id of asked) fresh.delete(id);
    const ids = of === 'all' ? asked : read.uses.map(({ id }) => id);
    // Midnight passed meanwhile: what counts now is read at once.
    if (!(await correctAll(read, ids))) return sync('all');
    synced = true;
  }

  async function syncNew(): Promise<void> {
    const ids = [...fresh];
    if (ids.length === 0) return;
    if (ids.length > NAMED_MAX) return sync('all');
    const read = await ask('new', ids);
    for (const id of ids) fresh.delete(id);
    if (!(await correctAll(read, ids))) await sync('all');
  }

  return {
    own(owner) {
      const id = ledgerSubject(owner.name).subject;
      users ||= userIdOf(owner.name) !== undefined;
      const before = accounts.get(id)?.owner.quota.unit ?? owner.quota.unit;
      // Requests are no cost units.
      if (before !== owner.quota.unit)
        buckets.writeQuota(owner.slot, quotaPeriod(owner.quota.period, wallMs()).id, 0);
      accounts.set(id, open(owner));
      fresh.add(id);
    },
    restored() {
      for (const account of accounts.values())
        account.elsewhere = buckets.readQuota(account.owner.slot, account.period.id);
    },
    answeredBy(next) {
      if (next === thread) return;
      thread = next;
      if (!synced) return;
      for (const account of accounts.values()) account.reclaim = account.fresh === null;
    },
    sync: (of) => inTurn(() => sync(of)),
    lacks(some) {
      lacking = some;
    },
    syncNew: () => inTurn(syncNew),
    ledgerOf(name, periodId) {
      const account = accounts.get(ledgerSubject(name).subject);
      return account?.period.id === periodId && account.owner.name === name ? account.ledger : nothing;
    },
  };
}
