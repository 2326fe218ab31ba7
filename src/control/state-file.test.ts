import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readState, writeSmallState, writeState } from './state-file.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'polymorph-state-'));
});
afterEach(() => rm(folder, { recursive: true }));

const bytes = Uint8Array.from({ length: 300 }, (_, index) => index);

test('what was written is read, in a private file in a private folder, again and again', async () => {
  const path = join(folder, 'deep', 'limits.state');
  await writeState(path, new Uint8Array());
  await writeState(path, bytes);
  expect(await readState(path)).toEqual(bytes);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(folder, 'deep'))).mode & 0o777).toBe(0o700);
  expect(await readdir(join(folder, 'deep'))).toEqual(['limits.state']);
});

test('no file is no state; what cannot be read or replaced is told and leaves nothing behind', async () => {
  const path = join(folder, 'limits.state');
  expect(await readState(path)).toBeUndefined();
  await mkdir(path);
  expect(await readState(path)).toHaveProperty('problem');
  await expect(writeState(path, bytes)).rejects.toThrow();
  expect(await readdir(folder)).toEqual(['limits.state']);
});

test('a few bytes at once: as private, and nothing is left where they cannot be put', async () => {
  const path = join(folder, 'deep', 'instance.id');
  writeSmallState(path, 'one');
  writeSmallState(path, 'two');
  expect(Buffer.from((await readState(path)) as Uint8Array).toString()).toBe('two');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(folder, 'deep'))).mode & 0o777).toBe(0o700);
  await mkdir(join(folder, 'taken'));
  expect(() => writeSmallState(join(folder, 'taken'), 'three')).toThrow();
  expect((await readdir(folder)).toSorted()).toEqual(['deep', 'taken']);
});
