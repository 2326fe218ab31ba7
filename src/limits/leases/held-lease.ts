import type { BucketNeed } from './lease-need.ts';
import type { LeaseAsk } from './lease-port.ts';
import type { LeaseSize } from './lease-size.ts';
import type { BucketShape } from '../buckets/token-bucket.ts';

/** What main knows of a lease, beside what stands in the table. */
export interface Lease {
  readonly need: BucketNeed;
  readonly bucket: string;
  readonly shape: BucketShape;
  readonly size: LeaseSize;
  waiters: (() => void)[];
  asking: boolean;
  /** Its rule has changed: what it is granted now nobody would find. */
  replaced: boolean;
  /** The answer to it never came: it is asked again under its number. */
  lost: LeaseAsk | null;
  /** Tokens of all calls that need it since it was last asked for. */
  cost: number;
  /** Of the cheapest of them. */
  least: number;
  /** Units that it was to have when it was last asked for, but for calls that cost more. */
  usual: number;
  /** Less was granted than asked for: it is asked for again by the clock. */
  dry: boolean;
  /** Microseconds: there may be more of a dry bucket, and there is surely. */
  retryAt: number;
  dryUntil: number;
  renewAt: number;
  /** What was left of it when it was last looked at, and since when it is as much. */
  units: number;
  usedAt: number;
}

export function wholeTokens({ shape: { tokenUnits } }: Lease, units: number): number {
  return Math.floor(units / tokenUnits) * tokenUnits;
}

/** Units that it must have to be of use to any who ask; 0: nobody waits. */
export function leastOf({ least, shape }: Lease): number {
  return least === Number.POSITIVE_INFINITY ? 0 : least * shape.tokenUnits;
}
