/** What is read of the report of a file: Istanbul's format, by number of the statement, function and branch. */
export interface FileCoverage {
  path: string;
  statementMap: Record<string, { start: { line: number }; end: { line: number } }>;
  s: Record<string, number>;
  f: Record<string, number>;
  b: Record<string, number[]>;
}

export interface Count {
  covered: number;
  all: number;
}

export interface RoomCoverage {
  room: string;
  files: number;
  lines: Count;
  functions: Count;
  branches: Count;
}

export const measures = ['lines', 'functions', 'branches'] as const;

/** In percent, rounded down to a tenth: 95.0 is never less than 95. */
export const percentOf = ({ covered, all }: Count): number =>
  all === 0 ? 100 : Math.floor((covered / all) * 1000) / 10;

/** Times that each line was run on which a statement begins; of two on one line the more. */
function lineCounts({ statementMap, s }: FileCoverage): Map<number, number> {
  const counts = new Map<number, number>();
  for (const [id, { start }] of Object.entries(statementMap))
    counts.set(start.line, Math.max(counts.get(start.line) ?? 0, s[id] ?? 0));
  return counts;
}

const countOf = (times: readonly number[]): Count => ({
  covered: times.filter((count) => count > 0).length,
  all: times.length,
});

const sumOf = (counts: readonly Count[]): Count => ({
  covered: counts.reduce((sum, { covered }) => sum + covered, 0),
  all: counts.reduce((sum, { all }) => sum + all, 0),
});

/** By room, in the order of the alphabet. `files` have paths from the root: `src/<room>/…`, others are left out. */
export function byRoom(files: readonly FileCoverage[]): RoomCoverage[] {
  const rooms = Map.groupBy(files, ({ path }) => /^src\/([^/]+)\//.exec(path)?.[1]);
  const counted: RoomCoverage[] = [];
  for (const [room, some] of rooms)
    if (room !== undefined)
      counted.push({
        room,
        files: some.length,
        lines: sumOf(some.map((file) => countOf([...lineCounts(file).values()]))),
        functions: sumOf(some.map(({ f }) => countOf(Object.values(f)))),
        branches: sumOf(some.map(({ b }) => countOf(Object.values(b).flat()))),
      });
  return counted.toSorted((one, other) => (one.room < other.room ? -1 : 1));
}

/** Lines one after the other that no test ran. */
export interface Gap {
  path: string;
  from: number;
  to: number;
  /** Theirs in the source, without indentation. */
  texts: string[];
}

/** Lines between two statements, of comments or of braces, do not end a gap. */
export function gapsOf(file: FileCoverage, source: string): Gap[] {
  const lines = source.split('\n');
  const textOf = (line: number): string => (lines[line - 1] ?? '').trim();
  const gaps: Gap[] = [];
  let isOpen = false;
  for (const [line, count] of [...lineCounts(file)].toSorted(([one], [other]) => one - other)) {
    const last = gaps.at(-1);
    if (count > 0) isOpen = false;
    else if (isOpen && last !== undefined) [last.to, isOpen] = [line, true];
    else {
      gaps.push({ path: file.path, from: line, to: line, texts: [] });
      isOpen = true;
    }
  }
  for (const gap of gaps)
    for (let line = gap.from; line <= gap.to; line += 1)
      if (textOf(line) !== '') gap.texts.push(textOf(line));
  return gaps;
}

/** Why some lines are not run by any test. */
export interface Reason {
  path: string;
  /** One line among them, as it stands in the source without its indentation. */
  line: string;
  why: string;
}

export interface Explained {
  /** Each gap with its reason, those without one last. */
  gaps: { gap: Gap; why: string | undefined }[];
  /** Reasons for lines that tests do run, or that are gone. */
  stale: Reason[];
}

export function explain(gaps: readonly Gap[], reasons: readonly Reason[]): Explained {
  const holds = (gap: Gap, { path, line }: Reason): boolean => gap.path === path && gap.texts.includes(line);
  return {
    gaps: gaps.map((gap) => ({ gap, why: reasons.find((reason) => holds(gap, reason))?.why })),
    stale: reasons.filter((reason) => !gaps.some((gap) => holds(gap, reason))),
  };
}
