import {
  HELD_PART,
  type QuotaAnswer,
  type QuotaAsk,
  type QuotaLevel,
  sharedQuotaKey,
} from '../../limits/index.ts';
import type { QuotaOwner } from '../policy-keeper.ts';
import { ledgerSubject } from '../store/ledger-subject.ts';

/** What main knows of one quota in one period. */
export interface QuotaAccount {
  owner: QuotaOwner;
  periodId: number;
  resetsAtMs: number;
  /** Number of the last ask that was answered, 0: none was. */
  answered: number;
  /** What the slot said was used when it was answered last: all beyond is of this instance, and not reported. */
  base: number;
  /** Of the grants, beyond `base`. */
  held: number;
  /** An ask whose answer was lost, or is on its way, and `base` as it was made. */
  pending: { ask: QuotaAsk; base: number } | null;
  /** Units of the calls that wait, and the least of them; 0: none. */
  wanted: number;
  least: number;
  /** Units of the next grant, if the quota has them. */
  size: number;
  grantedAtMs: number;
  /** Used by this instance: what was reported, and all when it was last looked at, and when that was another than before. */
  reported: number;
  used: number;
  usedAtMs: number;
  /** Of the ledger, in the last ask. */
  ledgerTold: number;
}

/** A grant that lasts less is doubled, one that lasts more is halved. */
const DOUBLE_MS = 1000;
const HALVE_MS = 5000;
const SIZE_FIRST = 8;
/** A period’s record is kept for so long after its end, for instances whose clock is behind. */
const KEEP_MS = 86_400_000;

/** Units to ask for, for those that wait. Begins small and grows with the use. */
function wantOf(account: QuotaAccount, instances: number, nowMs: number): number {
  const most = Math.floor(account.owner.quota.limit / (HELD_PART * instances));
  const lasted = nowMs - account.grantedAtMs;
  if (account.size === 0) account.size = SIZE_FIRST;
  else if (lasted < DOUBLE_MS) account.size *= 2;
  else if (lasted > HALVE_MS) account.size = Math.max(1, Math.floor(account.size / 2));
  account.size = Math.max(1, Math.min(account.size, most));
  return Math.max(account.least, Math.min(account.wanted, most), account.size);
}

/** The next ask of an account, whose slot says what is used and may be. `leave`: what it holds goes back. */
export function askOf(
  account: QuotaAccount,
  { used, ceiling }: QuotaLevel,
  by: Pick<QuotaAsk, 'instance' | 'instances' | 'ledger'> & {
    leave: boolean;
    seq: number;
    ledgerSum(spent: number): number;
    nowMs: number;
  },
): QuotaAsk {
  const { owner, periodId, least } = account;
  // Beyond the ceiling it was used by the share, and nobody was told of it.
  if (account.base < 0) account.base = Math.min(ceiling, used);
  const spent = used - account.base;
  const want = by.leave || least === 0 ? 0 : wantOf(account, by.instances, by.nowMs);
  account.wanted = 0;
  account.least = 0;
  return {
    quota: sharedQuotaKey(ledgerSubject(owner.name).owner, owner.quota.unit, periodId),
    ...{ instance: by.instance, instances: by.instances, seq: by.seq, after: account.answered },
    ...{ spent, known: used, want, least: want === 0 ? 0 : least, limit: owner.quota.limit },
    unspent: by.leave ? 0 : Math.max(0, account.held - spent),
    ...{ ledger: by.ledger, ledgerSum: by.ledgerSum(spent) },
    expiresAtMs: account.resetsAtMs + KEEP_MS,
  };
}

/** What the answer to the pending ask makes of the slot. */
export function settle(
  account: QuotaAccount,
  { ask, base }: NonNullable<QuotaAccount['pending']>,
  answer: QuotaAnswer,
): { change: number; ceiling: number; low: number | 'dry' } {
  // The ledger may have moved the slot and the base meanwhile, in an outage by much: that is no use of ours.
  const change = answer.used - ask.known - (account.base - base);
  account.pending = null;
  account.reported += ask.spent;
  account.answered = ask.seq;
  account.base = answer.used;
  account.held = ask.unspent + answer.granted;
  const ceiling = account.base + account.held;
  const isDry = ask.want > 0 && answer.granted === 0;
  return { change, ceiling, low: isDry ? 'dry' : ceiling - account.held / 2 };
}
