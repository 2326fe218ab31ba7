import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { performancePage } from './performance-page.ts';
import { withReadmeFigures } from './readme-figures.ts';
import type { Results } from './results.ts';

const project = join(import.meta.dirname, '../..');

/** The checked-out commit; `unknown` outside of a repository. */
export function currentCommit(): string {
  const git = (...args: string[]) => {
    return execFileSync('git', args, { cwd: project, encoding: 'utf8', stdio: 'pipe' }).trim();
  };
  try {
    const changed = git('status', '--porcelain', '--', 'src', 'package-lock.json') !== '';
    return git('rev-parse', '--short', 'HEAD') + (changed ? '+' : '');
  } catch {
    return 'unknown';
  }
}

/** Writes the results and the pages that show them. Returns the paths, from the project's root. */
export function keep(results: Results): string[] {
  const stamp = `${results.at.slice(0, 10)}-${results.commit.replace('+', '')}`;
  // No path of the machine: only programs of this checkout are kept.
  const options = { ...results.options, program: relative(project, results.options.program) };
  const json = `${JSON.stringify({ ...results, options }, undefined, 2)}\n`;
  const files: [string, string][] = [
    [`bench/results/${stamp}.json`, json],
    ['bench/results/latest.json', json],
    ['docs/performance.md', performancePage(results)],
  ];
  for (const [path, text] of files) {
    mkdirSync(join(project, path, '..'), { recursive: true });
    writeFileSync(join(project, path), text);
  }
  // Last, so that no run is lost where the README cannot show it.
  const readme = join(project, 'README.md');
  writeFileSync(readme, withReadmeFigures(readFileSync(readme, 'utf8'), results));
  return [...files.map(([path]) => path), 'README.md'];
}
