/**
 * Parts of `total` in proportion to the weights, whole and with exactly that sum: each gets its share rounded down, and
 * what is left goes one by one to the largest remainders, the earlier of equals first. No part is further than one unit from
 * its exact share; a weight of 0 gets 0. `total` and weights are not negative; throws where all weights are 0 and
 * `total` is not.
 */
export function shareByLargestRemainder(total: bigint, weights: readonly bigint[]): bigint[] {
  const sum = weights.reduce((known, weight) => known + weight, 0n);
  if (sum === 0n) {
    if (total !== 0n) throw new RangeError(`nothing to share ${total} by: every weight is 0`);
    return weights.map(() => 0n);
  }
  const parts = weights.map((weight) => (total * weight) / sum);
  const left = total - parts.reduce((known, part) => known + part, 0n);
  const byRemainder = weights
    .map((weight, index) => ({ index, remainder: (total * weight) % sum }))
    .sort((a, b) => compare(b.remainder, a.remainder) || a.index - b.index);
  for (const { index } of byRemainder.slice(0, Number(left))) parts[index] = (parts[index] ?? 0n) + 1n;
  return parts;
}

function compare(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
