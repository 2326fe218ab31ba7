import { createAccessLineReader } from './access-line.ts';
import { linesOf } from './lines.ts';
import type { Line, LoggedCall } from './logged-call.ts';
import { createUsageRowReader, csvColumns } from './usage-row.ts';

/** Bad lines whose reason is kept. */
const PROBLEMS_MAX = 20;

/** What was read, and what was not. */
export interface ReadCounts {
  /** Lines that are calls. */
  calls: number;
  /** Lines of the gateway's log that are no calls, and items of batches in which none was found. */
  other: number;
  /** Calls with an unknown, disabled or expired key. */
  badKey: number;
  /** Rows of `usage_logs` without a key. */
  noCaller: number;
  /** Lines that could not be read. */
  bad: number;
  /** Why: `FILE:LINE: reason`, of the first {@link PROBLEMS_MAX}. */
  problems: string[];
}

/** A file, and what its user calls it. */
export interface LogFile {
  path: string;
  name: string;
}

export interface ReadProgress {
  bytesRead: number;
  bytesTotal: number;
}

/**
 * The calls of a log, in the order of its lines: the gateway's JSON log, or rows of `usage_logs` as JSON lines or as CSV with a
 * header. Counts into `counts`. Throws what the file system does.
 */
export async function* callsOf(
  { path, name }: LogFile,
  counts: ReadCounts,
  progress: (progress: ReadProgress) => void,
): AsyncGenerator<LoggedCall[]> {
  const access = createAccessLineReader();
  const usage = createUsageRowReader();
  let csv: ReturnType<typeof csvColumns>;

  function read(text: string | null, lineNumber: number): Line | undefined {
    if (text === null) return { bad: 'longer than 1 MiB' };
    if (text === '' || text === '\r') return undefined;
    if (lineNumber === 1 && !text.startsWith('{')) {
      csv = csvColumns(text);
      if (csv !== undefined) return undefined;
    }
    if (csv !== undefined) {
      const row = csv(text);
      return row === undefined ? { bad: 'not a row of this CSV' } : usage(row);
    }
    const fields = parsed(text);
    if (fields === undefined) return { bad: `not JSON: ${JSON.stringify(text.slice(0, 60))}` };
    if ('kind' in fields || !('timestamp' in fields)) return access(fields);
    return usage(fields as unknown as Parameters<typeof usage>[0]);
  }

  for await (const { texts, firstNumber, bytesRead, bytesTotal } of linesOf(path)) {
    const calls: LoggedCall[] = [];
    for (let k = 0; k < texts.length; k++) {
      const line = read(texts[k]!, firstNumber + k);
      if (line === undefined) continue;
      if ('at' in line) calls.push(line);
      else if ('bad' in line) {
        counts.bad++;
        if (counts.problems.length < PROBLEMS_MAX)
          counts.problems.push(`${name}:${firstNumber + k}: ${line.bad}`);
      } else if (line.skip === 'other') counts.other++;
      else if (line.skip === 'bad key') counts.badKey++;
      else counts.noCaller++;
    }
    counts.calls += calls.length;
    progress({ bytesRead, bytesTotal });
    yield calls;
  }
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
