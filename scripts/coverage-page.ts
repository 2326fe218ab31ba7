import { type Explained, measures, percentOf, type RoomCoverage } from './coverage-report.ts';

/** What each of the rooms named has to reach, in percent. */
export const floors = {
  rooms: ['http', 'identity', 'jsonrpc', 'limits', 'usage'],
  lines: 95,
  functions: 95,
  // Most of what is left of identity's is `?? 0` behind a typed array, which only the type checker asks for.
  branches: 92,
} as const;

/** What is below its floor, in words. */
export const below = (rooms: readonly RoomCoverage[]): string[] =>
  floors.rooms.flatMap((name) => {
    const room = rooms.find((one) => one.room === name);
    if (room === undefined) return [`${name}: not measured`];
    return measures.flatMap((measure) =>
      percentOf(room[measure]) < floors[measure]
        ? [`${name}: ${percentOf(room[measure])} % of ${measure}, ${floors[measure]} % are asked for`]
        : [],
    );
  });

/** `docs/coverage.md`. */
export function coveragePage(rooms: readonly RoomCoverage[], { gaps }: Explained): string {
  const rows = rooms.map(({ room, files, ...counts }) => {
    const name = (floors.rooms as readonly string[]).includes(room) ? `**${room}**` : room;
    return `| ${[name, files, ...measures.map((measure) => percentOf(counts[measure]).toFixed(1))].join(' | ')} |`;
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
    `measures this anew, and fails where one of the rooms in bold has less than ${floors.lines} % of its lines, ${floors.functions} % of its functions or`,
    `${floors.branches} % of its branches, or where lines of theirs are left that \`scripts/coverage-left.ts\` has no reason for. \`npm run test:long\` does so, too.`,
    '',
    '| room | files | lines | functions | branches |',
    '|---|---:|---:|---:|---:|',
    ...rows,
    '',
    '## What is left',
    '',
    'Lines of the rooms in bold that no unit test runs, by the first line of each place.',
    ...left,
  ].join('\n')}\n`;
}
