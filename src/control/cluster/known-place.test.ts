import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createKnownPlace, placeFile } from './known-place.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'polymorph-place-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** With a minute that passes when it is told to. */
function open(path: string | null = join(folder, 'state', placeFile)) {
  let due: (() => void) | undefined;
  const after = (_ms: number, work: () => void) => {
    due = work;
    return () => {
      due = undefined;
    };
  };
  return { ...createKnownPlace({ path, after }), minute: () => due?.() };
}

it('is the same after a restart, and nobody else’s to read', () => {
  const first = open();
  expect(first.read()).toBeNull();
  first.keep({ instances: 3, rank: 2 });
  expect(open().read()).toEqual({ instances: 3, rank: 2 });
  expect(statSync(join(folder, 'state', placeFile)).mode & 0o777).toBe(0o600);
});

it('takes more instances, or another rank, at once, and fewer only where they stay fewer for a minute', () => {
  const place = open();
  place.keep({ instances: 3, rank: 2 });
  place.keep({ instances: 4, rank: 0 });
  expect(open().read()).toEqual({ instances: 4, rank: 0 });
  place.keep({ instances: 1, rank: 0 });
  expect(open().read()).toEqual({ instances: 4, rank: 0 });
  place.keep({ instances: 4, rank: 1 });
  place.minute();
  expect(open().read()).toEqual({ instances: 4, rank: 1 });
  place.keep({ instances: 2, rank: 1 });
  place.minute();
  expect(open().read()).toEqual({ instances: 2, rank: 1 });
  place.keep({ instances: 1, rank: 0 });
  place.stop();
  place.minute();
  expect(open().read()).toEqual({ instances: 2, rank: 1 });
});

it.each([
  '',
  '{',
  '{}',
  '[]',
  'null',
  '{"instances":0,"rank":0}',
  '{"instances":2,"rank":2}',
  '{"instances":2.5,"rank":0}',
  '{"instances":2,"rank":"0"}',
])('does not go by %j', (text) => {
  const path = join(folder, placeFile);
  writeFileSync(path, text);
  expect(open(path).read()).toBeNull();
  expect(readFileSync(path, 'utf8')).toBe(text);
});

it('without a folder knows nothing, and a folder that takes no file holds nobody up', () => {
  const none = open(null);
  none.keep({ instances: 3, rank: 1 });
  expect(none.read()).toBeNull();
  writeFileSync(join(folder, 'a-file'), '');
  const bad = open(join(folder, 'a-file', placeFile));
  expect(() => bad.keep({ instances: 3, rank: 1 })).not.toThrow();
});
