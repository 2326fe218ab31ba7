import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Report, retried, summarise } from './test-summary.ts';

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

const report = readReport();
const { line, failed } = summarise(report, status);
rmSync(folder, { recursive: true });
const again = retried(report);
if (again.length > 0) console.log(`\nright only the second time:\n${again.join('\n')}`);
console.log(`\n${line}`);
process.exitCode = failed === 0 ? 0 : 1;
