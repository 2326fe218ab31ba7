import { describe, expect, it } from 'vitest';
import { below, coveragePage, floors } from './coverage-page.ts';
import { byRoom, explain, type FileCoverage, gapsOf, percentOf } from './coverage-report.ts';

/** A file of one statement a line, each run so often. */
const fileOf = (path: string, ...times: number[]): FileCoverage => ({
  path,
  statementMap: Object.fromEntries(
    times.map((_, index) => [index, { start: { line: index + 1 }, end: { line: index + 1 } }]),
  ),
  s: Object.fromEntries(times.map((count, index) => [index, count])),
  f: { 0: times[0] ?? 0 },
  b: { 0: [1, 0] },
});

describe('figures', () => {
  it('are rounded down, so that 95 % is never less', () => {
    expect(percentOf({ covered: 1899, all: 2000 })).toBe(94.9);
    expect(percentOf({ covered: 19, all: 20 })).toBe(95);
    expect(percentOf({ covered: 0, all: 0 })).toBe(100);
  });

  it('are summed by room, of src/ alone', () => {
    const files = [fileOf('src/b/x.ts', 1, 0), fileOf('src/a/y.ts', 3), fileOf('src/b/z/w.ts', 1, 1)];
    expect(byRoom([...files, fileOf('src/main.ts', 0), fileOf('bench/x.ts', 0)])).toEqual([
      {
        ...{ room: 'a', files: 1, lines: { covered: 1, all: 1 } },
        ...{ functions: { covered: 1, all: 1 }, branches: { covered: 1, all: 2 } },
      },
      {
        ...{ room: 'b', files: 2, lines: { covered: 3, all: 4 } },
        ...{ functions: { covered: 2, all: 2 }, branches: { covered: 2, all: 4 } },
      },
    ]);
  });

  it('below a floor are named, and a room that was not measured', () => {
    const whole = Object.keys(floors).map((room) => byRoom([fileOf(`src/${room}/x.ts`, 1)])[0]!);
    const half = { covered: 1, all: 2 };
    const rooms = whole.map((room) => ({ ...room, branches: { covered: 1, all: 1 } }));
    expect(below(rooms)).toEqual([]);
    expect(below([{ ...rooms[0]!, lines: half }, ...rooms.slice(1)])).toEqual([
      `${rooms[0]!.room}: 50 % of lines, ${floors[rooms[0]!.room]!.lines} % are asked for`,
    ]);
    expect(below(rooms.slice(1))).toEqual([`${rooms[0]!.room}: not measured`]);
  });
});

describe('what is left', () => {
  const source = 'one();\n  two();\n\n// why\nthree();\nfour();\n';
  const file: FileCoverage = {
    ...fileOf('src/a/x.ts', 1, 0, 0, 1),
    statementMap: Object.fromEntries(
      [1, 2, 5, 6].map((line, index) => [index, { start: { line }, end: { line } }]),
    ),
  };

  it('are lines one after the other, comments between them included', () => {
    expect(gapsOf(file, source)).toEqual([
      { path: 'src/a/x.ts', from: 2, to: 5, texts: ['two();', '// why', 'three();'] },
    ]);
  });

  it('has its reason by a line of it, and reasons for nothing are told', () => {
    const gaps = gapsOf(file, source);
    const right = { path: 'src/a/x.ts', line: 'three();', why: 'never' };
    const stale = [
      { ...right, line: 'four();' },
      { ...right, path: 'src/a/y.ts' },
    ];
    expect(explain(gaps, [...stale, right])).toEqual({ gaps: [{ gap: gaps[0], why: 'never' }], stale });
    expect(explain(gaps, []).gaps[0]!.why).toBeUndefined();
    const page = coveragePage(byRoom([file]), explain(gaps, [right]));
    expect(page).toContain('| a | 1 | 50.0 | 100.0 | 50.0 |  |');
    expect(page).toContain('`src/a/x.ts`\n\n- `two();`: never\n');
  });
});
