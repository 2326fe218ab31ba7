import { type Explained, measures, percentOf, type RoomCoverage } from './coverage-report.ts';

type Floors = Record<(typeof measures)[number], number>;

/** What the rooms named have to reach, in percent. */
export const floors: Readonly<Record<string, Floors>> = {
  http: { lines: 95, functions: 95, branches: 93 },
  // Most of what is left is `?? 0` behind a typed array, which only the type checker asks for.
  identity: { lines: 95, functions: 95, branches: 93 },
  jsonrpc: { lines: 95, functions: 95, branches: 95 },
  limits: { lines: 95, functions: 95, branches: 95 },
  usage: { lines: 95, functions: 95, branches: 95 },
};

/** What is below its floor, in words. */
export const below = (rooms: readonly RoomCoverage[]): string[] =>
  Object.entries(floors).flatMap(([name, floor]) => {
    const room = rooms.find((one) => one.room === name);
    if (room === undefined) return [`${name}: not measured`];
    return measures.flatMap((measure) =>
      percentOf(room[measure]) < floor[measure]
        ? [`${name}: ${percentOf(room[measure])} % of ${measure}, ${floor[measure]} % are asked for`]
        : [],
    );
  });

/** `docs/coverage.md`. */
export function coveragePage(rooms: readonly RoomCoverage[], { gaps }: Explained): string {
  const rows = rooms.map(({ room, files, ...counts }) => {
    const name = Object.hasOwn(floors, room) ? `**${room}**` : room;
    const floor = floors[room];
    const figures = measures.map((measure) => percentOf(counts[measure]).toFixed(1));
    const asked = floor === undefined ? '' : measures.map((measure) => floor[measure]).join(', ');
    return `| ${[name, files, ...figures, asked].join(' | ')} |`;
  });
  const left = [...Map.groupBy(gaps, ({ gap }) => gap.path)].flatMap(([path, some]) => [
    '',
    `\`${path}\``,
    '',
    ...some.map(({ gap, why }) => `- \`${gap.texts[0]}\`: ${why ?? '**no reason is known**'}`),
  ]);
  return `${[
    '# Coverage',
    '',
    '<!-- Written by `npm run coverage`; a change here is lost at the next run. -->',
    '',
    'How much of `src/` the unit tests run, in percent, rounded down, as V8 counts it: in the test’s own process and in the threads and processes that a',
    'unit test starts. The process tests in `test/` are not counted: most programs there end by a kill, which leaves no count. `npm run coverage`',
    'measures this anew, and fails where one of the rooms in bold has less than its floor, or where lines of theirs are left that',
    '`scripts/coverage-left.ts` has no reason for. `npm run test:long` does so, too.',
    '',
    '| room | files | lines | functions | branches | floors |',
    '|---|---:|---:|---:|---:|---:|',
    ...rows,
    '',
    '## What is left',
    '',
    'Lines of the rooms in bold that no unit test runs, by the first line of each place.',
    ...left,
  ].join('\n')}\n`;
}
