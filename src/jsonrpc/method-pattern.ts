/**
 * The entry whose pattern fits the method best: the one with the most literal characters, the first of equals.
 * `*` in a pattern stands for any characters, none included; everything else is literal, case included.
 */
export function matchMethod<T>(
  method: string,
  entries: readonly T[],
  patternOf: (entry: T) => string,
): T | undefined {
  let best: T | undefined;
  let bestSpecificity = -1;
  for (const entry of entries) {
    const pattern = patternOf(entry);
    const specificity = patternSpecificity(pattern);
    if (specificity > bestSpecificity && patternMatches(pattern, method)) {
      best = entry;
      bestSpecificity = specificity;
    }
  }
  return best;
}

/** Does the glob fit the whole name? Linear in the name's length for each `*`: safe with names a caller chose. */
export function patternMatches(pattern: string, method: string): boolean {
  if (!pattern.includes('*')) return pattern === method;
  const parts = pattern.split('*');
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (method.length < first.length + last.length) return false;
  if (!method.startsWith(first) || !method.endsWith(last)) return false;
  const end = method.length - last.length;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = method.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** Characters of the pattern that are not `*`. */
export function patternSpecificity(pattern: string): number {
  let count = 0;
  for (let i = 0; i < pattern.length; i += 1) if (pattern.charCodeAt(i) !== 42) count += 1;
  return count;
}
