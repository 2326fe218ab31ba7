import type { LoggedCall } from './logged-call.ts';

const CALLERS_MAX = 65_536;

/**
 * The times of the calls that a logged one stands for, itself last. Where one in a hundred was logged, it stands for the
 * ninety-nine since its caller's last too, and they are taken as evenly spread over that time: all at once would be a burst
 * that never was. The clock of a caller's own buckets runs on so; ceilings that callers share see it go back a little.
 */
export function createSpread(): (call: LoggedCall) => number[] {
  const lastOf = new Map<string, number>();
  let carried = 0;
  let beginning: number | undefined;
  return (call) => {
    const { at, sample } = call;
    beginning ??= at;
    if (sample >= 1) return [at];
    const caller = call.keyId || call.keyPrefix || call.address;
    const last = lastOf.get(caller) ?? beginning;
    if (lastOf.size >= CALLERS_MAX) lastOf.clear();
    lastOf.set(caller, at);
    const exact = 1 / sample + carried;
    const copies = Math.max(1, Math.round(exact));
    carried = exact - copies;
    return Array.from({ length: copies }, (_, k) => Math.round(last + ((at - last) * (k + 1)) / copies));
  };
}
