import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { patienceMs } from './folder-patience.ts';

const of = (role: 'gateway' | 'command', pid = process.pid) => ({ pid, started: 0, role, admin: null });

test('a start waits half a minute for a command, a moment for a name that was left behind, and for no gateway', () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  expect(
    [of('command'), of('command', pid), of('gateway', pid), undefined, of('gateway')].map(patienceMs),
  ).toEqual([...[30_000, 30_000, 3000, 3000, 0]]);
});
