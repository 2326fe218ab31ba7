import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { editorSchema } from '../config/index.ts';
import * as check from './check.ts';
import * as plan from './plan.ts';
import * as schema from './schema.ts';

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'polymorph-commands-'));
  const write = (name: string, text: string): void => writeFileSync(join(cwd, name), text);
  write(
    'good.yaml',
    'upstreams:\n  - url: http://127.0.0.1:8545\nkeys:\n  - name: acme\n    key: ${ACME_KEY}\n',
  );
  write('other.yaml', 'upstreams:\n  - url: http://127.0.0.1:8545\nserver:\n  listen: 127.0.0.1:9000\n');
  write('warned.yaml', 'upstreams:\n  - url: http://127.0.0.1:8545\nidentity:\n  anonymous: deny\n');
  write(
    'bad.yaml',
    'upstreams:\n  - url: http://127.0.0.1:8545\n    mode: batch\nserver: { lisen: 1, workers: 0 }\n',
  );
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

function run(...args: string[]): { stdout: string; stderr: string; code: number } {
  const result = { stdout: '', stderr: '', code: 0 };
  const io = {
    stdout: (text: string) => void (result.stdout += text),
    stderr: (text: string) => void (result.stderr += text),
    env: { ACME_KEY: 'abcdefghijklmnopqrstuv1' },
    cwd,
    setExitCode: (code: number) => void (result.code = code),
  };
  const program = new Command('polymorph').exitOverride();
  for (const [name, { configure }] of Object.entries({ check, plan, schema }))
    configure(program.command(name), io);
  program.parse(args, { from: 'user' });
  return result;
}

describe('polymorph check', () => {
  it('says what is configured', () => {
    const { stdout, stderr, code } = run('check', 'good.yaml');
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^good\.yaml is good \([0-9a-f]{16}\):\n/);
    expect(stdout).toContain('network default at / → http://127.0.0.1:8545 (single)');
    expect(stdout).toContain('1 key; callers without one are told apart by address');
  });

  it('prints problems as compilers do, and exits with 2', () => {
    expect(run('check', 'bad.yaml')).toEqual({
      stdout: '',
      stderr: `bad.yaml:3:11: error: upstreams[0].mode: found "batch", expected single, pipelined or batched (did you mean batched?)
  3 |     mode: batch
    |           ^^^^^
bad.yaml:4:11: error: server.lisen: unknown key "lisen" (did you mean listen?)
  4 | server: { lisen: 1, workers: 0 }
    |           ^^^^^
bad.yaml:4:30: error: server.workers: found 0, expected auto or a whole number from 1 to 256
  4 | server: { lisen: 1, workers: 0 }
    |                              ^
3 errors, 0 warnings
`,
      code: 2,
    });
  });

  it('does not fail for warnings', () => {
    const { stderr, code } = run('check', '--quiet', 'warned.yaml');
    expect(code).toBe(0);
    expect(stderr).toContain('warned.yaml:4:14: warning: identity.anonymous');
    expect(stderr).toContain('0 errors, 1 warning\n');
  });

  it('says when there is no such file', () => {
    expect(run('check', 'none.yaml')).toMatchObject({
      stderr: 'none.yaml: error: no such file\n1 error, 0 warnings\n',
      code: 2,
    });
  });
});

describe('polymorph plan', () => {
  it('says in words what changes and what needs a restart', () => {
    expect(run('plan', 'good.yaml', 'other.yaml')).toEqual({
      stdout: `server.listen changes from 127.0.0.1:8540 to 127.0.0.1:9000.
1 key is removed: acme. Their callers get 401.

Only after a restart:
  server.listen changes from 127.0.0.1:8540 to 127.0.0.1:9000: the listener is opened at start.
`,
      stderr: '',
      code: 0,
    });
  });

  it('says that nothing changes', () => {
    expect(run('plan', 'good.yaml', 'good.yaml')).toEqual({
      stdout: 'Nothing changes.\n',
      stderr: '',
      code: 0,
    });
  });

  it('exits with 1 for differences when asked, with 2 for a bad file', () => {
    expect(run('plan', '--exit-code', 'good.yaml', 'other.yaml').code).toBe(1);
    expect(run('plan', '--exit-code', 'good.yaml', 'good.yaml').code).toBe(0);
    expect(run('plan', 'good.yaml', 'bad.yaml').code).toBe(2);
  });

  it('prints JSON', () => {
    expect(JSON.parse(run('plan', '--json', 'good.yaml', 'other.yaml').stdout)).toMatchObject({
      restartNeeded: [expect.any(String)],
    });
  });
});

describe('polymorph schema', () => {
  it('prints the JSON Schema', () => {
    expect(JSON.parse(run('schema').stdout)).toEqual(editorSchema());
  });
});
