import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Block, root } from './markdown.ts';

const compilerOptions = {
  ...{ allowJs: true, checkJs: true, lib: ['es2024', 'dom', 'dom.iterable'], noUnusedLocals: false },
  ...{ noUnusedParameters: false, verbatimModuleSyntax: false, isolatedModules: false },
};

/** What the compiler says of blocks of TypeScript and JavaScript: `page_line.mts(…): error …`. Takes seconds. */
export function judgeScripts(blocks: readonly (Block & { page: string })[]): string[] {
  const caches = join(root, 'node_modules/.cache');
  mkdirSync(caches, { recursive: true });
  // Beside the packages that they import.
  const folder = mkdtempSync(join(caches, 'blocks-'));
  try {
    for (const { page, line, kind, text } of blocks) {
      const name = `${page.replaceAll('/', '_')}_${line}.${kind === 'ts' ? 'mts' : 'mjs'}`;
      // A module each, so that no two know of each other.
      writeFileSync(join(folder, name), `${text}\nexport {};\n`);
    }
    const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['./*'], exclude: [] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const { stdout, status } = spawnSync(
      join(root, 'node_modules/.bin/tsc'),
      ['-p', folder, '--pretty', 'false'],
      { cwd: folder },
    );
    const said = stdout.toString().trim().split('\n');
    return status === 0 ? [] : said;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
