import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { instanceIdOf } from './instance-id.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'polymorph-instance-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('is one of each state folder, made once', () => {
  const [one, two] = [join(folder, 'a', 'state'), join(folder, 'b', 'state')];
  const id = instanceIdOf(one);
  expect(instanceIdOf(one)).toBe(id);
  expect(instanceIdOf(two)).not.toBe(id);
  expect(readdirSync(one)).toEqual(['instance.id']);
  expect(statSync(join(one, 'instance.id')).mode & 0o777).toBe(0o600);
  expect(statSync(one).mode & 0o777).toBe(0o700);
});

it('is made anew where what was kept is damaged', () => {
  writeFileSync(join(folder, 'instance.id'), '');
  const id = instanceIdOf(folder);
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(instanceIdOf(folder)).toBe(id);
});

it('is another each time where no file can be made', () => {
  const path = join(folder, 'file');
  writeFileSync(path, '');
  expect(instanceIdOf(path)).not.toBe(instanceIdOf(path));
});
