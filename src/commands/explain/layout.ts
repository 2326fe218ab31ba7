export function section(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`), ''];
}

/** Columns padded to their widest cell; empty cells at the end leave no trace. */
export function table(rows: string[][]): string[] {
  const widths = rows.reduce<number[]>(
    (known, row) => row.map((cell, column) => Math.max(known[column] ?? 0, cell.length)),
    [],
  );
  const used = (column: number) => (widths[column] ?? 0) > 0;
  return rows.map((row) =>
    row
      .map((cell, column) => (used(column) ? `${cell.padEnd(widths[column] ?? 0)}  ` : ''))
      .join('')
      .trimEnd(),
  );
}

export function tokens(count: number): string {
  return Number.isInteger(count) ? String(count) : String(Math.floor(count * 100) / 100);
}

export function milliseconds(ms: number): string {
  if (!Number.isFinite(ms)) return 'never';
  if (ms >= 1000) return `${Math.round(ms / 100) / 10} s`;
  return `${Math.round(ms * 100) / 100} ms`;
}

/** Callers choose method names and ids: what could steer a terminal is shown escaped. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}
