import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { FromStore, StoreStart } from './messages.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'polymorph-thread-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Resolves with the thread once its store is open, or with what it says instead. */
async function open(again: boolean): Promise<{ thread: Worker; said: string }> {
  const start: StoreStart = {
    store: { kind: 'sqlite', folder },
    journal: { folder: join(folder, 'journal'), run: 'run' },
    settings: {
      applier: { raw: { mode: 'off', share: 0 }, keepJournalMs: 60_000 },
      retention: { minutesMs: 1e9, hoursMs: 1e9, daysMs: 1e9, rawMs: 1e9, eventsMs: 1e9 },
    },
    configKeys: [],
    groups: [],
    admin: null,
    again,
  };
  const thread = new Worker(new URL('./store-thread.ts', import.meta.url), { workerData: start });
  const said = await new Promise<string>((resolve, reject) => {
    thread.once('error', reject);
    thread.on('message', (message: FromStore) => {
      if (message.type === 'unusable') resolve(message.code);
      if (message.type === 'state' && message.state.up) resolve('up');
    });
  });
  return { thread, said };
}

it('a thread that died has let go of its folder for the one that replaces it, and of it alone', async () => {
  const first = await open(false);
  expect(first.said).toBe('up');
  const beside = await open(false);
  expect(beside.said).toBe('locked');
  await first.thread.terminate();
  const second = await open(true);
  expect(second.said).toBe('up');
  await Promise.all([second.thread.terminate(), beside.thread.terminate()]);
});
