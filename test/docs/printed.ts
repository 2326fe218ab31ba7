/** What stood in a page in place of what was really printed: ids, keys and hashes, by their text in the page. */
export type Bindings = Map<string, string>;

interface Varying {
  form: string;
  /** One text in a page means one and the same text in a run. */
  bound: boolean;
}

/** What differs in every run. The first form that fits a text in the page is its kind. */
const varying: readonly Varying[] = [
  { form: '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', bound: true },
  { form: 'pp_[a-z]+_[A-Za-z0-9_-]{20,}', bound: true },
  { form: '0x[0-9a-f]{64}', bound: true },
  { form: '0x[0-9a-f]{32}', bound: true },
  { form: '\\b20\\d\\d-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d(?::\\d\\d(?:\\.\\d+)?)?Z?', bound: false },
  { form: '\\b20\\d\\d-\\d\\d-\\d\\d\\b', bound: false },
  { form: '\\b20\\d\\d-(?:0[1-9]|1[0-2])\\b', bound: false },
  { form: '\\b[A-Z][a-z]{2}, \\d\\d [A-Z][a-z]{2} 20\\d\\d \\d\\d:\\d\\d:\\d\\d GMT', bound: false },
  { form: '\\b\\d\\d:\\d\\d:\\d\\d\\.\\d{3}\\b', bound: false },
  // Ids of requests and sockets; dates look like them, and come before.
  { form: '\\b[0-9a-z]{4,14}-\\d{1,3}-[0-9a-z]{1,8}\\b', bound: true },
];
const anyVarying = new RegExp(varying.map(({ form }) => `(${form})`).join('|'), 'g');

/**
 * Whether what was printed is what the page shows, line by line: `…` stands for any characters, a line of it alone for any lines,
 * and what differs in every run for any other of its kind. Adds to `bindings` what stood for what; gives undefined where it differs.
 */
export function matchPrinted(shown: string, printed: string, bindings: Bindings): Bindings | undefined {
  return matchLines(lines(shown), lines(printed), bindings);
}

function lines(text: string): string[] {
  const all = text.split('\n').map((line) => line.trimEnd());
  while (all.at(-1) === '') all.pop();
  return all;
}

function matchLines(
  shown: readonly string[],
  printed: readonly string[],
  bindings: Bindings,
): Bindings | undefined {
  const [first, ...rest] = shown;
  if (first === undefined) return printed.length === 0 ? bindings : undefined;
  if (first.trim() === '…') {
    for (let skipped = 0; skipped <= printed.length; skipped += 1) {
      const found = matchLines(rest, printed.slice(skipped), bindings);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const [line] = printed;
  const found = line === undefined ? undefined : matchLine(first, line, bindings);
  return found === undefined ? undefined : matchLines(rest, printed.slice(1), found);
}

function matchLine(shown: string, printed: string, bindings: Bindings): Bindings | undefined {
  const bound: string[] = [];
  let form = '';
  let end = 0;
  for (const found of shown.matchAll(anyVarying)) {
    const kind = varying[found.slice(1).findIndex((group) => group !== undefined)]!;
    form += literal(shown.slice(end, found.index));
    end = found.index + found[0].length;
    const known = bindings.get(found[0]);
    const before = bound.indexOf(found[0]);
    if (known !== undefined) form += escaped(known);
    else if (before !== -1) form += `\\${before + 1}`;
    else if (kind.bound) form += `(${kind.form})`;
    else form += `(?:${kind.form})`;
    if (kind.bound && known === undefined && before === -1) bound.push(found[0]);
  }
  form += literal(shown.slice(end));
  const match = new RegExp(`^${form}$`).exec(printed);
  if (match === null) return undefined;
  return new Map([...bindings, ...bound.map((text, index) => [text, match[index + 1] ?? ''] as const)]);
}

function literal(text: string): string {
  return text.split('…').map(escaped).join('.*?');
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** A line that is typed, with what was really printed in place of what the page shows. */
export function withBindings(typed: string, bindings: Bindings): string {
  return typed.replaceAll(anyVarying, (text) => bindings.get(text) ?? text);
}
