import { formatPath, type Path, type Problem } from './problem.ts';
import type { Place } from './source/yaml-source.ts';

/** A problem before its place in the text was looked up. */
export interface Finding {
  severity: 'error' | 'warning';
  path: Path;
  at: 'value' | 'key';
  /** Where the problem is shown if nothing is written at `path`. */
  elsewhere?: Path;
  /** A function where the message names other lines. */
  message: string | ((lineOf: (path: Path) => string) => string);
  suggestion?: string;
}

export interface Places {
  locate(path: Path, what: 'value' | 'key'): Place;
  has(path: Path): boolean;
}

/** Findings with their places, in the text's order, errors and warnings mixed. */
export function placeFindings(
  findings: readonly Finding[],
  file: string,
  places: Places | undefined,
): Problem[] {
  const lineOf = (path: Path): string => {
    const line = places?.locate(path, 'value').line;
    return line === undefined ? formatPath(path) : `line ${line}`;
  };
  return findings
    .map(({ severity, path, at, elsewhere, message, suggestion }) => ({
      severity,
      file,
      ...(places?.locate(elsewhere && !places.has(path) ? elsewhere : path, at) ?? {
        line: 0,
        column: 0,
        length: 1,
      }),
      path: formatPath(path),
      message: typeof message === 'string' ? message : message(lineOf),
      suggestion,
    }))
    .sort((a, b) => a.line - b.line || a.column - b.column);
}
