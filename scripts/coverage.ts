import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { reasons } from './coverage-left.ts';
import { below, coveragePage, floors } from './coverage-page.ts';
import {
  byRoom,
  type Explained,
  explain,
  type FileCoverage,
  gapsOf,
  measures,
  percentOf,
  type RoomCoverage,
} from './coverage-report.ts';

// Runs the unit tests, counts what they ran, prints it by room, writes docs/coverage.md, and fails where it is too little. With arguments, which go to vitest,
// only some of them run: then it prints alone.
const root = join(import.meta.dirname, '..');
const only = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'polymorph-coverage-'));

/** Also without a room's tests being named: what no test imports is counted as not covered. */
function run(): { status: number | null; files: FileCoverage[] } {
  const { status } = spawnSync(
    'vitest',
    [
      ...['run', '--project', 'unit', '--coverage.enabled', `--coverage.reportsDirectory=${folder}`],
      // What is counted is slower, by three times and more where little else is done.
      ...['--testTimeout=180000', ...only],
    ],
    { cwd: root, stdio: 'inherit' },
  );
  const report = JSON.parse(readFileSync(join(folder, 'coverage-final.json'), 'utf8')) as Record<
    string,
    FileCoverage
  >;
  return {
    status,
    files: Object.values(report).map((file) => ({ ...file, path: relative(root, file.path) })),
  };
}

function wrongWith(rooms: readonly RoomCoverage[], { gaps, stale }: Explained): string[] {
  for (const { path, line } of stale)
    console.warn(`${path}: tests run this, or it is gone: scripts/coverage-left.ts need not name ${line}`);
  const unexplained = gaps.filter(({ why }) => why === undefined);
  return [
    ...below(rooms),
    ...unexplained.map(
      ({ gap }) => `${gap.path}:${gap.from}: no test runs this, and no reason is given: ${gap.texts[0]}`,
    ),
  ];
}

try {
  const { status, files } = run();
  const rooms = byRoom(files);
  const asked = files.filter(({ path }) => Object.hasOwn(floors, path.split('/')[1]!));
  const gaps = asked.flatMap((file) => gapsOf(file, readFileSync(join(root, file.path), 'utf8')));
  const explained = explain(gaps, reasons);
  if (only.length === 0) writeFileSync(join(root, 'docs/coverage.md'), coveragePage(rooms, explained));

  console.table(
    Object.fromEntries(
      rooms.map((one) => [
        one.room,
        Object.fromEntries(measures.map((measure) => [measure, percentOf(one[measure])])),
      ]),
    ),
  );
  const wrong = [
    ...(status === 0 ? [] : ['tests failed']),
    ...(only.length === 0 ? wrongWith(rooms, explained) : []),
  ];
  for (const text of wrong) console.error(text);
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
