import { printable } from '../explain/layout.ts';

/** A column: its heading and whether its cells are numbers, which stand to the right. */
export interface Column {
  title: string;
  right?: boolean;
}

/** Rows under their headings, with a final newline; columns whose cells are all empty are left out. */
export function columns(heads: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(printable));
  const used = heads.map((_, column) => cells.some((row) => (row[column] ?? '') !== ''));
  const all = [heads.map(({ title }) => title), ...cells];
  const widths = heads.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const lines = all.map((row) =>
    row
      .flatMap((cell, column) => {
        if (!used[column]) return [];
        const width = widths[column] ?? 0;
        return [heads[column]?.right === true ? cell.padStart(width) : cell.padEnd(width)];
      })
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** What is known of one thing, a line each; those without a value are left out. */
export function facts(pairs: readonly (readonly [name: string, value: string | null])[]): string {
  const given = pairs.filter(([, value]) => value !== null && value !== '');
  const width = Math.max(...given.map(([name]) => name.length));
  return given.map(([name, value]) => `${name.padEnd(width)}  ${printable(value ?? '')}\n`).join('');
}

/** `2026-11-28T19:09:30.000Z` as `2026-11-28 19:09:30`; the column says UTC. */
export function utc(time: string | null): string {
  return time === null ? '' : time.slice(0, 19).replace('T', ' ');
}

/** Whole numbers, thousands apart. */
export function grouped(count: number | string): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
