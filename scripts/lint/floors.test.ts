import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { judgeImport } from './floors.ts';

const root = join(import.meta.dirname, '..', '..');

describe('judgeImport', () => {
  test.each([
    ['src/gateway/call.ts', '../jsonrpc/index.ts'],
    ['src/gateway/call.ts', './stages/limit.ts'],
    ['src/gateway/stages/limit.ts', '../call.ts'],
    ['src/gateway/stages/limit.ts', '../../limits/index.ts'],
    ['src/main.ts', './commands/index.ts'],
    ['src/config/schema.ts', 'zod'],
    ['src/limits/clock.ts', 'node:perf_hooks'],
    ['src/jsonrpc/scan.test.ts', 'fast-check'],
    ['src/jsonrpc/scan.test.ts', '../../test/corpus.ts'],
    ['src/gateway/call.test.ts', '../limits/testing/model.ts'],
    ['src/http/lane.fuzz.ts', './testing/heads.ts'],
    ['test/start.test.ts', '../src/control/insides.ts'],
  ])('%s may import %s', (importer, specifier) => {
    expect(judgeImport(importer, specifier)).toBeUndefined();
  });

  test.each([
    ['src/limits/chain.ts', '../config/index.ts', 'upwards'],
    ['src/limits/chain.test.ts', '../config/index.ts', 'upwards'],
    ['src/gateway/call.ts', '../admin/index.ts', 'sideways'],
    ['src/admin/server.ts', '../gateway/index.ts', 'sideways'],
    ['src/limits/chain.ts', '../jsonrpc/index.ts', 'sideways'],
    ['src/control/main.ts', '../main.ts', 'upwards'],
    ['src/gateway/call.ts', '../jsonrpc/scan.ts', 'face'],
    ['src/gateway/call.ts', '../jsonrpc/parts/index.ts', 'face'],
    ['src/gateway/call.ts', '../limits/testing/model.ts', 'tests'],
    ['src/gateway/call.ts', './call.test.ts', 'tests'],
    ['src/gateway/call.ts', '../../test/clock.ts', 'outside src/'],
    ['src/cellar/wine.ts', './cork.ts', 'no floor'],
    ['src/gateway/call.ts', '../cellar/index.ts', 'no floor'],
    ['src/jsonrpc/scan.ts', 'zod', 'no package'],
  ])('%s may not import %s', (importer, specifier, reason) => {
    expect(judgeImport(importer, specifier)).toContain(reason);
  });
});

describe('oxlint with the settings of this project', () => {
  const folder = mkdtempSync(join(tmpdir(), 'polymorph-floors-'));
  for (const path of ['.oxlintrc.json', 'tsconfig.json', 'scripts/lint']) {
    cpSync(join(root, path), join(folder, path), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  afterAll(() => rmSync(folder, { recursive: true }));

  const lint = (files: Record<string, string>): { status: number | null; output: string } => {
    rmSync(join(folder, 'src'), { recursive: true, force: true });
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin/oxlint'), ['src'], {
      cwd: folder,
      encoding: 'utf8',
    });
    return { status, output: stdout + stderr };
  };

  test('accepts imports that go down to a face', () => {
    const { status, output } = lint({
      'src/limits/index.ts': 'export const one = 1;\n',
      'src/gateway/index.ts': "import { one } from '../limits/index.ts';\nexport const two = one + one;\n",
    });
    expect(output).toContain('0 errors');
    expect(status).toBe(0);
  });

  test.each([
    ['an import', "import { one } from '../gateway/index.ts';\nexport const two = one + one;\n"],
    ['a type import', "import type { One } from '../gateway/index.ts';\nexport const two = 2 as One;\n"],
    ['a type in place', "export const two = 2 as import('../gateway/index.ts').One;\n"],
    ['an export', "export { one } from '../gateway/index.ts';\n"],
    ['an export of all', "export * from '../gateway/index.ts';\n"],
    ['a lazy import', "export const two = await import('../gateway/index.ts');\n"],
  ])('refuses %s upwards', (_, text) => {
    const gateway = 'export const one = 1;\nexport type One = number;\n';
    const { status, output } = lint({ 'src/gateway/index.ts': gateway, 'src/limits/index.ts': text });
    expect(output).toContain('house(floors)');
    expect(status).toBe(1);
  });

  test('refuses a file of more than 300 lines that has no reason', () => {
    const { status, output } = lint({ 'src/limits/index.ts': 'export const one = 1;\n'.padEnd(330, '\n') });
    expect(output).toContain('house(sizes)');
    expect(status).toBe(1);
  });

  test('refuses a cycle between the files of a room', () => {
    const { status, output } = lint({
      'src/limits/a.ts': "import { b } from './b.ts';\nexport const a = (): number => b();\n",
      'src/limits/b.ts': "import { a } from './a.ts';\nexport const b = (): number => a();\n",
    });
    expect(output).toContain('import(no-cycle)');
    expect(status).toBe(1);
  });
});
