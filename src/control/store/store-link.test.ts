import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockStateFolder, openStore, type StoreError } from '../../store/index.ts';
import { createStoreLink, type StoreLink } from './store-link.ts';

const threadUrl = new URL('../testing/mortal-store.ts', import.meta.url);
const realThreadUrl = new URL('./store-thread.ts', import.meta.url);
let folder = '';
let link: StoreLink | undefined;
let unusable: StoreError | undefined;
let ups = 0;
const lines: string[] = [];
const log = (_facts: object, text: string) => void lines.push(text);

function open(url = threadUrl): StoreLink {
  ups = 0;
  unusable = undefined;
  lines.length = 0;
  link = createStoreLink({
    threadUrl: url,
    start: {
      store: { kind: 'sqlite', folder },
      journal: { folder: join(folder, 'journal'), run: 'run' },
      settings: {
        applier: { raw: { mode: 'off', share: 0 }, keepJournalMs: 0 },
        retention: { minutesMs: 0, hoursMs: 0, daysMs: 0, rawMs: 0, eventsMs: 0, eventsMax: Infinity },
      },
      configKeys: [],
      ...{ groups: [], sinks: [], instance: 'gateway' },
    },
    compileCache: undefined,
    logger: { info: log, warn: log, error: log } as never,
    onUp: () => (ups += 1),
    onAway: () => {},
    onKey: () => {},
    onKeys: () => {},
    onBan: () => {},
    onBans: () => {},
    onUnusable: (error) => (unusable = error),
    epochMs: Date.now,
  });
  return link;
}

async function until(what: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!what()) {
    if (performance.now() > end) throw new Error('did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const operate = (name: string) => link!.ask('operation', { name, input: null });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'polymorph-link-'));
});
afterEach(async () => {
  await link?.stop();
  rmSync(folder, { recursive: true });
});

/** What another process meets that opens the folder's store. */
function elsewhere(): string {
  const source = `
    import { openStore } from ${JSON.stringify(new URL('../../store/index.ts', import.meta.url).href)};
    const opened = openStore({ kind: 'sqlite', folder: ${JSON.stringify(folder)} });
    console.log(await opened.then((store) => store.close().then(() => 'opened'), ({ code }) => code));`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
  }).stdout.trim();
}

it('the folder is the process’s also between a thread that died and the one that replaces it', async () => {
  open();
  await until(() => ups === 1);
  link!.publishAdmin({ url: 'http://127.0.0.1:1', token: 't' });
  await expect(operate('die')).rejects.toThrow('ended');
  // The thread is gone, and the next begins in a later turn than this.
  expect(elsewhere()).toBe('locked');
  expect(readFileSync(join(folder, 'owner.json'), 'utf8')).toContain('http://127.0.0.1:1');
  await until(() => ups === 2);
  await link!.close(1000);
  expect(existsSync(join(folder, 'owner.json'))).toBe(false);
  expect(elsewhere()).toBe('opened');
});

it('the store’s thread works in the folder that main holds, and opens it again when it is replaced', async () => {
  for (let round = 0; round < 2; round += 1) {
    open(realThreadUrl);
    await until(() => ups === 1);
    await expect(openStore({ kind: 'sqlite', folder })).rejects.toMatchObject({ code: 'locked' });
    expect(await link!.ask('flush', null)).toBe(true);
    expect(await link!.close(1000)).toBe(true);
  }
  expect(unusable).toBeUndefined();
});

it('a folder that another gateway has is none to wait for, and one that a command has is taken once it is done', async () => {
  const other = await lockStateFolder(folder, Date.now);
  open();
  await until(() => unusable !== undefined);
  expect(unusable).toMatchObject({ code: 'locked' });
  other.release();
  const command = await openStore({ kind: 'sqlite', folder });
  open();
  await until(() => lines.length > 0);
  expect(lines).toEqual([expect.stringMatching(/^the start waits: .* held by a command/)]);
  await command.close();
  await until(() => ups === 1);
});

it('a folder that cannot be made is tried for again', async () => {
  writeFileSync(join(folder, 'file'), '');
  const before = folder;
  folder = join(folder, 'file', 'state');
  open();
  await until(() => lines.length > 0);
  expect(lines[0]).toMatch(/^the store is away: /);
  expect(link!.state()).toMatchObject({ up: false, problem: expect.any(String) });
  rmSync(join(before, 'file'));
  await until(() => ups === 1);
  await link!.close(1000);
  folder = before;
});

it.each(['die', 'hog'])('a thread that dies (%s) is replaced, and who waits for it is told', async (how) => {
  open();
  await until(() => ups === 1);
  const waits = operate('silence');
  const dies = operate(how);
  await expect(waits).rejects.toMatchObject({ code: 'unavailable' });
  await expect(dies).rejects.toMatchObject({ code: 'unavailable' });
  await until(() => ups === 2);
  expect(await operate('keys')).toBe(0);
  expect(link!.state()).toMatchObject({ up: true, restarts: 1 });
  expect(lines).toContain('the store’s thread died');
});

it('a thread that replaces another knows the config of the last reload', async () => {
  open();
  await until(() => ups === 1);
  const key = { id: 'i', sha256: 's', prefix: 'p', name: 'n', enabled: true, expiresAt: null };
  link!.configure({ settings: {} as never, configKeys: [key], groups: [], sinks: [] });
  await expect(operate('die')).rejects.toThrow('ended');
  await until(() => ups === 2);
  expect(await operate('keys')).toBe(1);
});

it('closes once, and asks no more of a thread that has gone', async () => {
  open();
  await until(() => ups === 1);
  expect(await link!.close(1000)).toBe(true);
  await expect(operate('keys')).rejects.toMatchObject({ code: 'unavailable' });
  expect(lines).toEqual([]);
});
