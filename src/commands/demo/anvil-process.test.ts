import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findAnvil } from '../anvil.ts';
import { startAnvil } from './anvil-process.ts';

const binary = findAnvil();

test.skipIf(binary === undefined)('a node starts on a port of its own and ends without a trace', async () => {
  const anvil = await startAnvil(binary ?? '');
  expect(anvil.chainId).toBe(31337);
  expect(anvil.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  await anvil.stop();
  expect(await anvil.exited).toMatch(/SIGTERM|code/);
  await expect(fetch(anvil.url)).rejects.toThrow();
});

test('a node that cannot start is told with its own words', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'polymorph-test-'));
  const broken = join(folder, 'anvil');
  writeFileSync(broken, '#!/bin/sh\necho "no such flag" >&2\nexit 7\n');
  chmodSync(broken, 0o755);
  await expect(startAnvil(broken)).rejects.toThrow(/did not start: it ended with code 7: no such flag/);
  await expect(startAnvil(join(folder, 'missing'))).rejects.toThrow(/ENOENT/);
  rmSync(folder, { recursive: true });
});

test.skipIf(binary === undefined)('the node ends with a process that was killed', async () => {
  const script = `
    import { startAnvil } from ${JSON.stringify(new URL('./anvil-process.ts', import.meta.url).href)};
    const anvil = await startAnvil(${JSON.stringify(binary)});
    console.log(anvil.url);
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [url] = (await once(owner.stdout.setEncoding('utf8'), 'data')) as [string];
  expect(await fetch(url.trim()).then((answer) => answer.status)).toBeGreaterThan(0);
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  for (let tries = 0; tries < 200; tries += 1) {
    const alive = await fetch(url.trim()).then(
      () => true,
      () => false,
    );
    if (!alive) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('the node outlived its owner');
});
