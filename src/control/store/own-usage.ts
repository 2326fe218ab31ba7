import { type KeyUse, periodStart, type QuotaUseFilter, type Store } from '../../store/index.ts';
import { type Ledger, type LedgerBatch, noKey, usageStatuses } from '../../usage/index.ts';
import {
  type QuotaUse,
  type SubjectUse,
  type Use,
  type UseQuestion,
  userOfSubject,
  userSubject,
} from './messages.ts';

/** A ledger that knows what of the present day and month came from this run, and what from elsewhere. */
export interface OwnUsage extends Ledger {
  /** Of those of the subjects that have any use this month. */
  use(question: UseQuestion): Promise<QuotaUse>;
}

const exceeded = usageStatuses.indexOf('exceeded');

export function createOwnUsage(
  store: Pick<Store, 'segments' | 'apply' | 'quotaUse'>,
  isOwn: (segment: string) => boolean,
): OwnUsage {
  /** By start of the period. Periods that are over are let go of. */
  const own = { day: new Map<string, Use>(), month: new Map<string, Use>() };
  const starts = { day: 0, month: 0 };
  let told = new Map<string, string>();
  /** By segment: batches of this run that the ledger may have taken, though its answer was lost. */
  const unsure = new Map<string, LedgerBatch>();
  /** A read that runs beside an apply would see it in one of the two and not in the other. */
  let last: Promise<unknown> = Promise.resolve();
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };

  /** Only forward: a clock that goes back begins no period anew, as in the slots that calls are counted in. */
  function enter(nowMs: number): void {
    for (const period of ['day', 'month'] as const) {
      const start = periodStart(period, nowMs);
      if (start <= starts[period]) continue;
      starts[period] = start;
      own[period].clear();
      // Whoever was told of the period before knows nothing of this one.
      told.clear();
    }
  }

  function add(rows: LedgerBatch['rows']): void {
    for (const { keyId, minute, status, calls, cost } of rows) {
      if (status === exceeded || keyId === noKey) continue;
      enter(minute);
      for (const period of ['day', 'month'] as const) {
        if (minute < starts[period]) continue;
        const use = own[period].get(keyId) ?? { requests: 0, cost: 0 };
        own[period].set(keyId, { requests: use.requests + calls, cost: use.cost + cost });
      }
    }
  }

  async function useOfAll(filters: readonly QuotaUseFilter[], of: typeof starts) {
    const all = new Map<string, KeyUse>();
    for (const filter of filters) for (const [id, use] of await store.quotaUse(of, filter)) all.set(id, use);
    return all;
  }

  /** Adds those that are in the ledger after all. */
  async function makeSure(): Promise<void> {
    if (unsure.size === 0) return;
    const states = await store.segments([...unsure.keys()]);
    for (const [segment, batch] of unsure) {
      const offset = states.get(segment)?.offset ?? 0;
      if (offset === batch.to) add(batch.rows);
      if (offset !== batch.from) unsure.delete(segment);
    }
  }

  async function apply(batch: LedgerBatch): Promise<boolean> {
    let applied: boolean;
    try {
      applied = await store.apply(batch);
    } catch (error) {
      if (batch.to > batch.from) unsure.set(batch.segment, batch);
      throw error;
    }
    if (!applied) await makeSure();
    else {
      unsure.delete(batch.segment);
      add(batch.rows);
    }
    return applied;
  }

  return {
    segments: (names) => store.segments(names),
    apply: (batch) => alone(() => (isOwn(batch.segment) ? apply(batch) : store.apply(batch))),
    use: ({ nowMs, of, subjects, users }) =>
      alone(async () => {
        await makeSure();
        enter(nowMs);
        const present = { ...starts };
        const read = await useOfAll(subjects === null ? [{ users }] : filtersOf(subjects), present);
        const keys = [...read].map(
          ([id, { day, month }]): SubjectUse => ({
            ...{ id, day, month },
            ownMonth: own.month.get(id) ?? none,
            ownDay: own.day.get(id) ?? none,
          }),
        );
        const sums = [...keys, ...sumsOfUsers(keys, (id) => read.get(id)?.userId ?? null)];
        // Of a user whose key alone was asked for, the others' use is not in the sum.
        const asked = subjects && new Set(subjects);
        const uses = asked === null ? sums : sums.filter(({ id }) => asked.has(id));
        if (of === 'new') return { starts: present, uses };
        const before = of === 'all' ? new Map<string, string>() : told;
        told = new Map(uses.map((one) => [one.id, elsewhereText(one)]));
        return { starts: present, uses: uses.filter(({ id }) => before.get(id) !== told.get(id)) };
      }),
  };
}

/** Of users all keys, and beside them the keys that are asked for themselves. */
function filtersOf(subjects: readonly string[]): QuotaUseFilter[] {
  const keyIds = subjects.filter((subject) => userOfSubject(subject) === undefined);
  const userIds = subjects.flatMap((subject) => userOfSubject(subject) ?? []);
  return [
    ...inPieces(keyIds).map((keyIds) => ({ keyIds })),
    ...inPieces(userIds).map((userIds) => ({ userIds, users: true })),
  ];
}

/** A statement takes only so many parameters. */
function inPieces(ids: readonly string[]): string[][] {
  const count = Math.ceil(ids.length / IDS_A_STATEMENT);
  return Array.from({ length: count }, (_, nth) =>
    ids.slice(nth * IDS_A_STATEMENT, (nth + 1) * IDS_A_STATEMENT),
  );
}

/** Keys that were deleted, too: what they used was their user's. */
function sumsOfUsers(keys: readonly SubjectUse[], userIdOf: (keyId: string) => string | null): SubjectUse[] {
  const sums = new Map<string, SubjectUse>();
  for (const { id: keyId, day, month, ownDay, ownMonth } of keys) {
    const userId = userIdOf(keyId);
    if (userId === null) continue;
    const id = userSubject(userId);
    const sum = sums.get(id) ?? { id, day: none, month: none, ownDay: none, ownMonth: none };
    sums.set(id, {
      id,
      day: plus(sum.day, day),
      month: plus(sum.month, month),
      ownDay: plus(sum.ownDay, ownDay),
      ownMonth: plus(sum.ownMonth, ownMonth),
    });
  }
  return [...sums.values()];
}

function plus(a: Use, b: Use): Use {
  return { requests: a.requests + b.requests, cost: a.cost + b.cost };
}

const none: Use = Object.freeze({ requests: 0, cost: 0 });
const IDS_A_STATEMENT = 1000;

function elsewhereText({ day, month, ownDay, ownMonth }: SubjectUse): string {
  const elsewhere = [
    day.requests - ownDay.requests,
    day.cost - ownDay.cost,
    month.requests - ownMonth.requests,
    month.cost - ownMonth.cost,
  ];
  return elsewhere.join();
}
