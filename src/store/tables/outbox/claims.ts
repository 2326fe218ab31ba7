import { type RawBuilder, sql } from 'kysely';
import type { ClaimedDelivery, DeliveriesOf, Outbox } from '../../../events/index.ts';
import { atomically, pieces, type TableContext } from '../context.ts';

const atOnce = 200;

interface Claimed {
  event: number;
  subject: string;
  attempts: number;
}

/** Deliveries are taken, and what became of them is noted. */
export function createOutboxClaims({
  db,
  dialect,
}: TableContext): Pick<Outbox, 'due' | 'claim' | 'settle' | 'renew' | 'release' | 'recover'> {
  const onServer = dialect.kind === 'postgres';
  const free = (nowMs: number) => sql`(d.claimed_until is null or d.claimed_until <= ${dialect.time(nowMs)})`;

  /** Rows of one state, so that its index serves. */
  const claimSome = async (
    on: TableContext['db'],
    { sink, by, nowMs, untilMs }: Parameters<Outbox['claim']>[0],
    which: RawBuilder<unknown>,
    limit: number,
  ): Promise<Claimed[]> => {
    if (limit <= 0) return [];
    const chosen = sql`select d.event from outbox_deliveries d
      where d.sink = ${sink} and ${free(nowMs)} and ${which} limit ${sql.lit(limit)}`;
    // As an array: the server would run a locking select again for each row, and take more than the limit.
    const isChosen = onServer
      ? sql`event = any(array(${chosen} for update skip locked))`
      : sql`event in (${chosen})`;
    const { rows } = await sql<Claimed>`
      update outbox_deliveries
      set claimed_by = ${by}, claimed_until = ${dialect.time(untilMs)}
      where sink = ${sink} and ${isChosen}
      returning event, subject, attempts`.execute(on);
    return rows;
  };

  return {
    async due(sinks, nowMs) {
      if (sinks.length === 0) return [];
      const parts = sinks.flatMap((sink) => [
        sql`select * from (select d.sink, cast(null as timestamptz) as due_at from outbox_deliveries d
            where d.sink = ${sink} and d.state = 'new' and ${free(nowMs)} limit 1) a`,
        sql`select * from (select d.sink, d.due_at from outbox_deliveries d
            where d.sink = ${sink} and d.state = 'retry' and ${free(nowMs)} order by d.due_at limit 1) b`,
      ]);
      const { rows } = await sql<{
        sink: string;
        due_at: number | null;
      }>`${sql.join(parts, sql` union all `)}`.execute(db);
      return rows.map(({ sink, due_at: dueAt }) => ({ sink, dueAtMs: dueAt ?? 0 }));
    },

    claim: (ask) =>
      atomically(db, async (db) => {
        const { sink, by, nowMs, limit } = ask;
        // One instance at a time, or the second would pass over what the first has locked and take what comes after it.
        if (onServer) await sql`select pg_advisory_xact_lock(${claimLock}, hashtext(${sink}))`.execute(db);
        const elsewhere = onServer
          ? sql`and not exists (select 1 from outbox_deliveries e where e.sink = d.sink and e.subject = d.subject
              and e.state = 'new' and e.event < d.event and e.claimed_by <> ${by}
              and e.claimed_until > ${dialect.time(nowMs)})`
          : sql``;
        const first = await claimSome(db, ask, sql`d.state = 'new' ${elsewhere} order by d.event`, limit.new);
        const again = await claimSome(
          db,
          ask,
          sql`d.state = 'retry' and d.due_at <= ${dialect.time(nowMs)} order by d.due_at`,
          limit.retry,
        );
        return withEvents(db, sink, [...first, ...again]);
      }),

    settle: (outcomes, by, nowMs) =>
      atomically(db, async (db) => {
        for (const some of pieces(outcomes, atOnce)) {
          const rows = some.map(({ number, sink, state, attempts, dueAtMs, problem }) => {
            const over = dialect.time(state === 'retry' ? null : nowMs);
            return sql`(cast(${number} as bigint), cast(${sink} as varchar(64)), cast(${state} as varchar(9)),
              cast(${attempts} as bigint), cast(${dialect.time(dueAtMs)} as timestamptz),
              cast(${problem} as text), cast(${over} as timestamptz))`;
          });
          await sql`
            with v (event, sink, state, attempts, due_at, problem, done_at) as (values ${sql.join(rows)})
            update outbox_deliveries
            set state = v.state, attempts = v.attempts, due_at = v.due_at, problem = v.problem, done_at = v.done_at,
              claimed_by = null, claimed_until = null
            from v
            where outbox_deliveries.event = v.event and outbox_deliveries.sink = v.sink
              and (outbox_deliveries.claimed_by = ${by} or v.state = 'delivered')`.execute(db);
        }
      }),

    async renew(by, these, untilMs) {
      await setClaims(db, these, sql`claimed_until = ${dialect.time(untilMs)}`, by);
    },

    async release(by, these) {
      if (these !== undefined) return setClaims(db, these, nobodys, by);
      for (const state of states)
        await sql`update outbox_deliveries set ${nobodys}
          where state = ${sql.lit(state)} and claimed_by = ${by}`.execute(db);
    },

    recover: (by, { sink, known }) =>
      atomically(db, async (db) => {
        if (onServer && !(await takesTurn(db, sink))) return false;
        const knows = new Set(known);
        for (const state of states) {
          const { rows } = await sql<{ event: number }>`select event from outbox_deliveries
            where sink = ${sink} and state = ${sql.lit(state)} and claimed_by = ${by}`.execute(db);
          const numbers = rows.map(({ event }) => event).filter((number) => !knows.has(number));
          await setClaims(db, { sink, numbers }, nobodys, by);
        }
        return true;
      }),
  };
}

const nobodys = sql`claimed_by = null, claimed_until = null`;

/** Of these, as far as they are claimed by it. */
async function setClaims(
  db: TableContext['db'],
  { sink, numbers }: DeliveriesOf,
  values: RawBuilder<unknown>,
  by: string,
): Promise<void> {
  for (const some of pieces(numbers, atOnce))
    await sql`update outbox_deliveries set ${values}
      where sink = ${sink} and event in (${sql.join(some)}) and claimed_by = ${by}`.execute(db);
}

/** Whether nobody else claims for the sink until this transaction ends. */
async function takesTurn(db: TableContext['db'], sink: string): Promise<boolean> {
  const { rows } = await sql<{ taken: boolean }>`
    select pg_try_advisory_xact_lock(${claimLock}, hashtext(${sink})) as taken`.execute(db);
  return rows[0]?.taken === true;
}

/** Of deliveries that can be claimed. */
const states = ['new', 'retry'] as const;

/** A number of ours among those that others lock by; with the sink's hash beside it. */
const claimLock = 0x6f757462;

async function withEvents(
  db: TableContext['db'],
  sink: string,
  claimed: readonly Claimed[],
): Promise<ClaimedDelivery[]> {
  const events = new Map<number, string>();
  for (const some of pieces(claimed, atOnce)) {
    const numbers = some.map(({ event }) => event);
    const rows = await db
      .selectFrom('outbox')
      .select(['number', 'event'])
      .where('number', 'in', numbers)
      .execute();
    for (const { number, event } of rows) events.set(number, event);
  }
  return claimed
    .map(({ event: number, subject, attempts }) => ({
      ...{ number, sink, subject, attempts },
      event: events.get(number)!,
    }))
    .sort((a, b) => a.number - b.number);
}
