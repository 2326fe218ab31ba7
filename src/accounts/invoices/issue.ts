import { z } from 'zod';
import type { InvoiceRow, PlanTerms, Store, Tables, UserRow } from '../../store/index.ts';
import { AccountsError } from '../error.ts';
import { month, userRef } from '../input/fields.ts';
import { isoTime, monthBounds } from '../input/time.ts';
import { billMonth } from '../money/bill.ts';
import { findPlan } from '../plans/find-plan.ts';
import { findAnyUser } from '../users/find-user.ts';
import { verb } from '../verb.ts';
import { type InvoiceDocument, invoiceDocument } from './document.ts';
import { monthUsage } from './month-usage.ts';
import { refusePending } from './refuse-pending.ts';
import { draftView, type InvoiceView, invoiceView } from './view.ts';

/** Lines of an invoice; what used least is put together beyond. */
const LINES_MAX = 100;
/** After a month's end, for its last calls to come from the journals into the ledger. */
const SETTLE_MS = 5 * 60_000;

const sellerExpected = { error: 'expected at most 1000 characters: a name, and an address on further lines' };

const input = z.strictObject({
  user: userRef,
  month,
  /** Who sells, as it shall stand on the invoice; further lines for an address. */
  seller: z.string(sellerExpected).max(1000, sellerExpected).default(''),
  /** Only say what it would be, also for a month that is not over. */
  draft: z.boolean().default(false),
  /** Also where a journal on this machine cannot be read, in which usage of the month may be. */
  despiteDamage: z.boolean().default(false),
});

/**
 * Issues a user's invoice of a month, with the plan they were on at its end and what that cost then. Once issued it never changes: asking again gives the same
 * one, whatever became of usage, plan or user. Refuses a month that is not over by five minutes, in which its last calls reach
 * the ledger, one of which sums by day may be dropped already, and one without usage in which there was no such user.
 */
export const issueInvoice = verb(input, async (context, given): Promise<InvoiceView> => {
  const { store, now } = context;
  const at = now();
  const user = await findAnyUser(store, given.user);
  const issued = await store.invoices.find(user.id, given.month);
  if (issued !== null) return invoiceView(issued);
  refuseForgotten(given.month, at - context.retention().daysMs);
  const document = (tables: Tables): Promise<InvoiceDocument> => draft(tables, user.id, given, at);
  if (given.draft) return draftView(await document(store));
  refuseUnfinished(given.month, at);
  await refusePending(context, given.month, given.despiteDamage);
  return invoiceView(await issue(store, user.id, given.month, document, at));
});

async function draft(
  tables: Tables,
  userId: string,
  { month: name, seller }: z.output<typeof input>,
  issuedAt: number,
): Promise<InvoiceDocument> {
  const user = await findAnyUser(tables, userId);
  const plan = await planAtEnd(tables, user, name);
  const usage = await monthUsage(tables, userId, name);
  if (usage.length === 0) refuseOthersMonth(user, name);
  const bill = billMonth(plan, usage, LINES_MAX);
  return invoiceDocument({ month: name, issuedAt, seller, user, plan, bill });
}

/** A plan that was made, or a user who came, only after the month is taken as they were at first. */
async function planAtEnd(tables: Tables, user: UserRow, name: string): Promise<PlanTerms> {
  const end = monthBounds(name).to;
  const tier = (await tables.users.tierBefore(user.id, end)) ?? user.tier;
  return (await tables.plans.termsBefore(tier, end)) ?? findPlan(tables, tier);
}

async function issue(
  store: Store,
  userId: string,
  name: string,
  document: (tables: Tables) => Promise<InvoiceDocument>,
  issuedAt: number,
): Promise<InvoiceRow> {
  try {
    return await store.transaction(async (tables) => {
      const whole = await document(tables);
      const { currency, total } = whole;
      return tables.invoices.issue({
        userId,
        month: name,
        currency,
        total: BigInt(total),
        document: whole,
        issuedAt,
      });
    });
  } catch (error) {
    // Somebody else issued it a moment ago: theirs is the invoice.
    const theirs = await store.invoices.find(userId, name).catch(() => null);
    if (theirs !== null) return theirs;
    throw error;
  }
}

function refuseOthersMonth({ email, createdAt, deletedAt }: UserRow, name: string): void {
  const { from, to } = monthBounds(name);
  const refuse = (what: string, at: number): never => {
    const day = isoTime(at).slice(0, 10);
    throw new AccountsError('refused', `There is nothing to invoice: ${email} was ${what} on ${day}`);
  };
  if (to <= createdAt) refuse('made', createdAt);
  if (deletedAt !== null && from >= deletedAt) refuse('deleted', deletedAt);
}

function refuseForgotten(name: string, keptFrom: number): void {
  if (monthBounds(name).from >= keptFrom) return;
  throw new AccountsError(
    'refused',
    `Usage is kept from ${isoTime(keptFrom).slice(0, 10)} on (usage.keep_days): of ${name} some may be gone, and an invoice would leave it out`,
  );
}

function refuseUnfinished(name: string, now: number): void {
  const { to } = monthBounds(name);
  if (now >= to + SETTLE_MS) return;
  const when = isoTime(to + SETTLE_MS)
    .replace(':00.000Z', ' UTC')
    .replace('T', ' ');
  throw new AccountsError(
    'refused',
    `${name} can be issued from ${when}: until then ask for a draft (--draft)`,
  );
}
