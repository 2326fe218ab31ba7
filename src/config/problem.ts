import { maskSecrets, maskValues } from './mask.ts';

/** One thing that is wrong, or (a warning) probably not meant, in a config. Holds no secret: fit for any log. */
export interface Problem {
  severity: 'error' | 'warning';
  /** As it was named to `loadConfig`. */
  file: string;
  /** 1-based; 0 where the config did not come from text. */
  line: number;
  /** 1-based, in UTF-16 units. */
  column: number;
  /** Characters the caret line underlines, at least 1. */
  length: number;
  /** Where in the config: `limits.default.requests`, `keys[3].name`. Empty for the whole. */
  path: string;
  /** The sentence: what was found, what was expected. */
  message: string;
  /** How it is probably put right. */
  suggestion?: string;
}

/** `polymorph.yaml:12:5: error: message; suggestion`, one line. */
export function formatProblem(problem: Problem): string {
  const place = problem.line > 0 ? `${problem.file}:${problem.line}:${problem.column}` : problem.file;
  const path = problem.path === '' ? '' : `${problem.path}: `;
  return `${place}: ${problem.severity}: ${path}${problem.message}${problem.suggestion ? ` (${problem.suggestion})` : ''}`;
}

/** The problem as compilers print it: `formatProblem`, then the line of `text` with what may be secret starred out, then a caret. */
export function renderProblem(problem: Problem, text: string | undefined): string {
  const line = problem.line > 0 ? text?.split('\n', problem.line)[problem.line - 1] : undefined;
  if (line === undefined) return formatProblem(problem);
  // Headers have names of the operator's choosing: any value there may be a secret, as may be a user's name.
  const secret = /\b(headers|auth)\b/.test(problem.path) || /\b(headers|auth|basic)\s*:/.test(line);
  const shown = maskSecrets(secret ? maskValues(line.trimEnd()) : line.trimEnd());
  // A very long line (a map on one line) is shown from a little before the place.
  const from = problem.column > 100 ? problem.column - 41 : 0;
  const cut = shown.slice(from, from + 120).replaceAll('\t', ' ');
  const column = problem.column - 1 - from;
  const carets = '^'.repeat(Math.max(1, Math.min(problem.length, cut.length - column)));
  const number = String(problem.line);
  return [
    formatProblem(problem),
    `  ${number} | ${cut}`,
    `  ${' '.repeat(number.length)} | ${' '.repeat(column)}${carets}`,
  ].join('\n');
}

export type Path = readonly (string | number)[];

/** `['keys', 3, 'name']` → `keys[3].name`. */
export function formatPath(path: Path): string {
  let text = '';
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else if (/^[\w*-]+$/.test(segment)) text += text === '' ? segment : `.${segment}`;
    // A line that was shifted makes a value, URL and all, part of a key.
    else text += `[${maskSecrets(JSON.stringify(segment))}]`;
  }
  return text;
}
