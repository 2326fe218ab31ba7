import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../store/index.ts';
import { LATENCY_BUCKETS } from '../usage/index.ts';
import { commands } from './index.ts';
import { runCommand } from './testing/run-command.ts';

const docs = new URL('../../docs/', import.meta.url);
const page = readFileSync(new URL('keys-and-billing.md', docs), 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text);

let cwd = '';
let pieces = 0;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'polymorph-page-'));
  writeFileSync(join(cwd, 'polymorph.yaml'), blocks('yaml')[0] ?? '');
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

/** The page's user was made just now: only usage makes a month that is over theirs. */
async function useIn(month: string): Promise<void> {
  const store = await openStore({ kind: 'sqlite', folder: join(cwd, '.polymorph') });
  const [key] = await store.keys.find('acme');
  const minute = Date.parse(`${month}-15T00:00:00Z`);
  const row = {
    ...{ minute, keyId: key?.id ?? '', network: 'default', method: 'eth_call', status: 0, event: false },
    ...{ calls: 12, cost: 12, errors: 0, bytesIn: 1, bytesOut: 1, latencyMicros: 1 },
    latency: new Uint32Array(LATENCY_BUCKETS),
  };
  const segment = `page-0-0-${(pieces += 1)}`;
  await store.apply({ segment, from: 0, to: 1, closed: true, rows: [row], raw: [], lastUsed: new Map() });
  await store.close();
}

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
    if (line.includes(' --month ')) await useIn(args[args.indexOf('--month') + 1] ?? '');
    const { code, stdout, stderr } = await runCommand(cwd, args);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).not.toBe('');
  });

  test('names no option that is not there', async () => {
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
  });
});
