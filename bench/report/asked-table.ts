import { type Figure, format, verdict } from '../figures.ts';
import { type Asked, askedFor } from './asked.ts';

/** Every figure that was asked for: asked, measured, how. */
export function askedTable(
  figures: readonly Figure[],
  all: readonly Asked[] = askedFor,
): [head: string[], rows: string[][]] {
  const rows = all.map(({ part, asked, measured }) => {
    if ('figures' in measured) return [part, asked, ...fromRun(figures, measured.figures)];
    if ('command' in measured) {
      const { value, met, at, commit } = measured.seen;
      return [part, asked, value, met ? 'pass' : 'miss', `\`${measured.command}\`, ${at} at ${commit}`];
    }
    const { test, bound, seen, long } = measured;
    const run = `${long ? 'POLYMORPH_TEST_LONG=1 ' : ''}npx vitest run ${test}`;
    const how = `\`${run}\`${seen ? `, ${seen.at} at ${seen.commit}` : ''}`;
    const asserted = bound === undefined ? 'asserted' : `asserted: ${bound}`;
    const value = seen ? `${seen.value}; ${asserted}` : asserted;
    return [part, asked, value, seen ? (seen.met ? 'pass' : 'miss') : bound === undefined ? 'pass' : '', how];
  });
  return [['part', 'asked', 'measured', '', 'how'], rows];
}

function fromRun(figures: readonly Figure[], names: readonly string[]): [string, string, string] {
  const found = names.flatMap((name) => figures.filter((figure) => isNamed(figure, name)));
  if (found.length === 0) return ['not in this run', '', '`npm run bench`'];
  const missed = found.filter((figure) => verdict(figure) === 'miss').length;
  const result =
    missed === 0 ? 'pass' : missed === found.length ? 'miss' : `${missed} of ${found.length} miss`;
  const byUnit = Map.groupBy(found, ({ unit }) => unit);
  const values = [...byUnit].map(([unit, some]) => `${rangeOf(some)} ${unit}`);
  return [values.join('; '), result, '`npm run bench`'];
}

function isNamed({ name }: Figure, wanted: string): boolean {
  const [before = '', after] = wanted.split('*');
  return after === undefined ? name === wanted : name.startsWith(before) && name.endsWith(after);
}

function rangeOf(figures: readonly Figure[]): string {
  const values = figures.map(({ value, unit }) => ({ value, text: format(value, unit) }));
  const sorted = values.toSorted((a, b) => a.value - b.value);
  const [least, most] = [sorted[0]!.text, sorted.at(-1)!.text];
  return least === most ? least : `${least} to ${most}`;
}
