import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands } from './index.ts';
import { runCommand } from './testing/run-command.ts';

const docs = new URL('../../docs/', import.meta.url);
const page = readFileSync(new URL('keys-and-billing.md', docs), 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text);

let cwd = '';
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'polymorph-page-'));
  writeFileSync(join(cwd, 'polymorph.yaml'), blocks('yaml')[0] ?? '');
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

/** Words as a shell takes them apart; the page has no other marks than quotes. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, one, two, three]) => one ?? two ?? three ?? '',
  );
}

describe('docs/keys-and-billing.md', () => {
  const lines = blocks('sh').flatMap((block) => block.trimEnd().split('\n'));

  test('has commands', () => {
    expect(lines.length).toBeGreaterThan(35);
  });

  // In their order: each finds what those before have made.
  test.each(lines.map((line) => [line]))('%s', async (line) => {
    const [program = '', ...args] = words(line);
    if (program !== 'polymorph') {
      expect(['cp', 'rm']).toContain(program);
      execFileSync(program, args, { cwd });
      return;
    }
    const { code, stdout, stderr } = await runCommand(cwd, args);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).not.toBe('');
  });

  test('names no option, command or file that is not there', async () => {
    const helps = new Map<string, string>();
    for (const { name } of commands) {
      if (!page.includes(`polymorph ${name}`)) continue;
      const { stdout } = await runCommand(cwd, [name, '--help']);
      const inner = [...stdout.matchAll(/^ {2}(create|list|show|update|delete|rotate|limits|put)\b/gm)];
      const texts = await Promise.all(inner.map(([, verb = '']) => runCommand(cwd, [name, verb, '--help'])));
      helps.set(name, [stdout, ...texts.map((text) => text.stdout)].join('\n'));
    }
    const all = [...helps.values()].join('\n');
    const options = new Set([...page.matchAll(/--[a-z][a-z-]+/g)].map(([option]) => option));
    expect([...options].filter((option) => !all.includes(option))).toEqual([]);
    const links = [...page.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, target = '']) => target);
    expect(links.filter((target) => !existsSync(new URL(target, docs)))).toEqual([]);
  });
});
