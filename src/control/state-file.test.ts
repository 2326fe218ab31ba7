import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readState, writeState } from './state-file.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'polymorph-state-'));
});
afterEach(() => rm(folder, { recursive: true }));

const state = {
  facts: { keyNumbers: { ab: 1 }, name: 'ключ' },
  limits: Uint8Array.from({ length: 300 }, (_, i) => i),
};

test('what was written is read, in a private file, again and again', async () => {
  const path = join(folder, 'deep', 'limits.state');
  await writeState(path, { facts: {}, limits: new Uint8Array() });
  await writeState(path, state);
  expect(await readState(path)).toEqual(state);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(folder, 'deep'))).toEqual(['limits.state']);
});

test('no file is no state', async () => {
  expect(await readState(join(folder, 'limits.state'))).toBeUndefined();
});

test('a file that is cut, changed or foreign is refused', async () => {
  const path = join(folder, 'limits.state');
  await writeState(path, state);
  const whole = await readFile(path);
  const changed = Buffer.from(whole);
  changed[whole.length - 1] = 0;
  for (const bytes of [
    whole.subarray(0, -1),
    changed,
    Buffer.from(''),
    Buffer.from('hello\n'),
    Buffer.alloc(200),
  ]) {
    await writeFile(path, bytes);
    expect(await readState(path)).toHaveProperty('problem');
  }
});
