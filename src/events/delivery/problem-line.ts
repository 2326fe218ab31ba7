const LENGTH_MAX = 500;

/** What is kept and shown of a problem: one line that every store takes, without control characters (PostgreSQL refuses NUL). */
export function problemLine(text: string): string {
  return text
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim()
    .slice(0, LENGTH_MAX)
    .toWellFormed();
}
