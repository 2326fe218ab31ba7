import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ownFolder } from './compile-cache.ts';

let home: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'polymorph-compile-')));
});
afterEach(() => rmSync(home, { recursive: true }));

const made = (path: string, mode: number): string => {
  mkdirSync(join(home, path), { recursive: true });
  chmodSync(join(home, path), mode);
  return join(home, path);
};

describe('a folder for compiled code', () => {
  test('is made, for its user alone', () => {
    const folder = join(home, '.cache/polymorph-proxy/compile');
    expect(ownFolder(folder)).toBe(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(ownFolder(folder)).toBe(folder);
  });

  test('is named by its real path: a link may be another one tomorrow', () => {
    const folder = made('real', 0o755);
    symlinkSync(folder, join(home, 'link'));
    expect(ownFolder(join(home, 'link'))).toBe(folder);
  });

  test.each([0o777, 0o775, 0o1777])('is not taken where others write into it: %o', (mode) => {
    expect(ownFolder(made('open', mode))).toBeNull();
  });

  test('is not taken where others could put another in its place, unless that is sticky', () => {
    made('.cache', 0o777);
    expect(ownFolder(join(home, '.cache/compile'))).toBeNull();
    chmodSync(join(home, '.cache'), 0o1777);
    expect(ownFolder(join(home, '.cache/compile'))).toBe(join(home, '.cache/compile'));
  });

  test.runIf(process.getuid?.() !== undefined)('is not taken from another user', () => {
    const folder = made('mine', 0o755);
    const { uid } = statSync(folder);
    // Root's is everybody's.
    expect(ownFolder(folder, uid + 1)).toBe(uid === 0 ? folder : null);
  });

  test.runIf(process.getuid?.() === 0)("is not taken where one above it is another user's", () => {
    chownSync(made('theirs', 0o755), 65_534, 65_534);
    expect(ownFolder(join(home, 'theirs/compile'))).toBeNull();
    expect(ownFolder(join(home, 'theirs/compile'), 65_534)).toBe(join(home, 'theirs/compile'));
  });

  test('is none where none can be made', () => {
    expect(ownFolder('/proc/polymorph/compile')).toBeNull();
  });
});
