import { isoTime } from '../../accounts/index.ts';
import { BANNED_THEN } from '../../gateway/index.ts';
import type { Simulation } from './run.ts';
import type { Row, RuleTally } from './tally.ts';

/** What `--json` prints. Times are ISO 8601, UTC. */
export interface SimulationReport {
  config: string;
  logs: string[];
  /** Of the first and the last call; null if there was none. */
  from: string | null;
  to: string | null;
  calls: number;
  /** As the log has it, and under the config: by limits and quotas, as blocked methods, for want of a good key and for their addresses. */
  refusedThen: number;
  refused: number;
  /** Lines: `calls` of them are calls. */
  lines: { calls: number; other: number; bad: number };
  /** By caller and method, those with the most refusals first; without those to whom nothing happens and happened. */
  limited: {
    caller: string;
    /** The config has no key of this id: it was limited like one without limits of its own. */
    unknownKey: boolean;
    method: string;
    calls: number;
    cost: number;
    refusedThen: number;
    refused: number;
    refusedCost: number;
    firstAt: string | null;
    rules: { outcome: RuleTally['outcome']; rule: string; calls: number; cost: number; firstAt: string }[];
  }[];
  /** What makes the result less than exact, or left calls out. */
  notes: string[];
  /** `FILE:LINE: reason` of the first lines that could not be read. */
  problems: string[];
}

export function reportOf(config: string, logs: readonly string[], done: Simulation): SimulationReport {
  const rows = done.tally.rows();
  const sum = (of: (row: Row) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const { calls, other, bad, problems } = done.read;
  return {
    config,
    logs: [...logs],
    from: done.firstAt === undefined ? null : timeOf(done.firstAt),
    to: done.firstAt === undefined ? null : timeOf(done.lastAt),
    calls: done.calls,
    refusedThen: sum((row) => row.refusedThen),
    refused: sum((row) => row.refused),
    lines: { calls, other, bad },
    limited: rows
      .filter(({ refused, refusedThen, rules }) => refused + refusedThen + rules.length > 0)
      .sort((a, b) => b.refused - a.refused || b.refusedThen - a.refusedThen || compare(a, b))
      .map(viewOf),
    notes: notesOf(done, rows),
    problems,
  };
}

function viewOf(row: Row): SimulationReport['limited'][number] {
  const rules = row.rules.map((rule) => ({ ...rule, firstAt: timeOf(rule.firstAt) }));
  return { ...row, firstAt: row.refused === 0 ? null : timeOf(row.firstAt), rules };
}

function compare(a: Row, b: Row): number {
  const [one, other] = [`${a.caller} ${a.method}`, `${b.caller} ${b.method}`];
  return one < other ? -1 : one > other ? 1 : 0;
}

function notesOf(done: Simulation, rows: readonly Row[]): string[] {
  const { read, otherNetworks } = done;
  const strangers = new Set(rows.filter(({ unknownKey }) => unknownKey).map(({ caller }) => caller));
  const unknownCalls = rows.reduce((sum, row) => sum + (row.unknownKey ? row.calls : 0), 0);
  const bannedCalls = sumOf(
    rows.flatMap(({ rules }) => rules.filter(({ rule }) => rule === BANNED_THEN).map(({ calls }) => calls)),
  );
  const networks = [...otherNetworks].map(([name, calls]) => `${name} (${calls})`).join(', ');
  const notes: [count: number, text: string][] = [
    [
      done.sampled,
      `The log is a sample: ${done.sampled} lines stand for ${done.calls} calls, taken as evenly spread; all figures are estimates.`,
    ],
    [
      done.dropped,
      `${done.dropped} lines are missing, since a worker had more calls than logging.access_max_per_second: refusals are too few.`,
    ],
    [
      strangers.size,
      `${strangers.size} of the keys (${unknownCalls} calls) are not in the config: limited as keys without limits of their own.`,
    ],
    [
      bannedCalls,
      `${bannedCalls} calls were refused by a ban, and are here too: bans are taken from the log, none is made or lifted.`,
    ],
    [read.badKey, `${read.badKey} calls with an unknown, disabled or expired key were left out.`],
    [read.noCaller, `${read.noCaller} calls without a key were left out: usage_logs has no addresses.`],
    [otherNetworks.size, `Calls of networks that the config does not have were left out: ${networks}.`],
    [
      done.late,
      `${done.late} calls came over a minute out of order: they were decided as if the clock had not gone back.`,
    ],
    [read.bad, `${read.bad} lines could not be read and were left out.`],
  ];
  return notes.filter(([count]) => count > 0).map(([, text]) => text);
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}

function timeOf(micros: number): string {
  return isoTime(Math.floor(micros / 1000));
}
