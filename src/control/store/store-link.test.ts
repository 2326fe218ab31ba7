import { afterEach, expect, it } from 'vitest';
import { createStoreLink, type StoreLink } from './store-link.ts';

const threadUrl = new URL('../testing/mortal-store.ts', import.meta.url);
let link: StoreLink | undefined;
let ups = 0;
const lines: string[] = [];
const log = (_facts: object, text: string) => void lines.push(text);

function open(): StoreLink {
  ups = 0;
  lines.length = 0;
  link = createStoreLink({
    threadUrl,
    start: {
      store: { kind: 'sqlite', folder: '/nowhere' },
      journal: { folder: '/nowhere', run: 'run' },
      settings: {
        applier: { raw: { mode: 'off', share: 0 }, keepJournalMs: 0 },
        retention: { minutesMs: 0, hoursMs: 0, daysMs: 0, rawMs: 0 },
      },
      configKeys: [],
      groups: [],
      admin: null,
      again: false,
    },
    compileCache: undefined,
    logger: { info: log, warn: log, error: log } as never,
    onUp: () => (ups += 1),
    onAway: () => {},
    onKey: () => {},
    onKeys: () => {},
    onBan: () => {},
    onBans: () => {},
    onUnusable: () => {},
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

afterEach(() => link?.stop());

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
  link!.configure({ settings: {} as never, configKeys: [key], groups: [] });
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
