import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Report, summarise } from './test-summary.ts';

// Runs vitest with our arguments; the very last line printed is the summary, for people and for programs.
const folder = mkdtempSync(join(tmpdir(), 'polymorph-tests-'));
const reportPath = join(folder, 'report.json');

const { status } = spawnSync(
  'vitest',
  [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportPath}`,
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit' },
);

const readReport = (): Report | undefined => {
  try {
    return JSON.parse(readFileSync(reportPath, 'utf8')) as Report;
  } catch {
    return undefined;
  }
};

const { line, failed } = summarise(readReport(), status);
rmSync(folder, { recursive: true });
console.log(`\n${line}`);
process.exitCode = failed === 0 ? 0 : 1;
