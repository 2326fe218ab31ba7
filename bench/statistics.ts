/** The middle value, or the mean of the two in the middle. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return sorted.length === 0 ? Number.NaN : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The list turned left by `by` places, so that no scenario always follows the same one. */
export function rotated<T>(list: readonly T[], by: number): T[] {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

/** Value below which the share `p` (0..1) of the sorted values lies. */
export function percentile(sorted: ArrayLike<number>, p: number): number {
  return sorted[Math.floor((sorted.length - 1) * p)] ?? Number.NaN;
}
