import { beforeEach, expect, it } from 'vitest';
import type { SinkConfig } from '../../config/index.ts';
import { createMemoryOutbox } from '../memory-outbox.ts';
import { sinkConfig } from '../testing/sinks.ts';
import type { SinkSlot } from './sink-slot.ts';
import { createTidier, fingerprint } from './tidier.ts';

let away: boolean;
let now: number;
let wall: number;
let abandoned: unknown[];
let lines: string[];
beforeEach(() => {
  [away, now, wall, abandoned, lines] = [false, 0, 1e12, [], []];
});

/** A tidier of one slot, that only remembers. */
function start({ shared = false } = {}) {
  const memory = createMemoryOutbox();
  const unlessAway = async <T>(work: () => Promise<T>): Promise<T> => {
    if (away) throw Object.assign(new Error('away'), { code: 'unavailable' });
    return work();
  };
  const slot = {
    config: sinkConfig('one'),
    disabled: null as string | null,
    mended: 0,
    turnOff: (problem: string | null) => void (slot.disabled = problem),
    mend: () => void (slot.mended += 1),
  };
  const log = (_: object, line: string): void => void lines.push(line);
  const tidier = createTidier({
    outbox: {
      abandon: (which) => unlessAway(async () => abandoned.push(which)),
      disabled: () => unlessAway(memory.disabled),
      disable: (sink) => unlessAway(() => memory.disable(sink)),
      enable: (name) => unlessAway(() => memory.enable(name)),
    },
    slots: new Map([['one', slot as unknown as SinkSlot]]),
    ...{ shared, log: { warn: log, error: log }, sweepMs: 1000 },
    epochMs: () => wall,
    elapsedMs: () => now,
    onChange: () => undefined,
  });
  return { memory, slot, tidier };
}

const changed = (config: SinkConfig): SinkConfig => ({ ...config, timeout: 1234 });

it('tells the store of a sink that is off once that is back', async () => {
  const { memory, slot, tidier } = start();
  away = true;
  tidier.gone(slot.config, 'answered 410');
  expect(slot.disabled).toBe('answered 410');
  await expect(tidier.applyDisabled()).rejects.toThrow('away');
  expect([slot.disabled, await memory.disabled()]).toEqual(['answered 410', []]);
  away = false;
  await tidier.applyDisabled();
  const kept = { name: 'one', config: fingerprint(slot.config), problem: 'answered 410', disabledAtMs: wall };
  expect(await memory.disabled()).toEqual([kept]);
  await tidier.applyDisabled();
  expect(slot.disabled).toBe('answered 410');
  slot.config = changed(slot.config);
  await tidier.applyDisabled();
  expect([slot.disabled, await memory.disabled()]).toEqual([null, []]);
});

it('turns on at once what the config changed of before the store knew', async () => {
  const { memory, slot, tidier } = start();
  away = true;
  tidier.gone(slot.config, 'answered 410');
  slot.config = changed(slot.config);
  await expect(tidier.applyDisabled()).rejects.toThrow('away');
  expect(slot.disabled).toBeNull();
  away = false;
  await tidier.applyDisabled();
  expect([slot.disabled, await memory.disabled()]).toEqual([null, []]);
});

it('does not take the word of a config before for that of the new', () => {
  const { slot, tidier } = start();
  const before = slot.config;
  slot.config = changed(before);
  tidier.gone(before, 'answered 410');
  expect([slot.disabled, lines]).toEqual([null, []]);
});

it('sweeps every so often, whatever the wall clock does, and again where the store was away', async () => {
  const { slot, tidier } = start({ shared: true });
  await tidier.sweep();
  expect(abandoned).toEqual([{ except: ['one'], dueBeforeMs: wall - 3_600_000 + 1 }]);
  [now, wall] = [999, wall + 7_200_000];
  await tidier.sweep();
  expect(slot.mended).toBe(1);
  [now, wall] = [1000, wall - 14_400_000];
  await tidier.sweep();
  expect(slot.mended).toBe(2);
  away = true;
  tidier.soon();
  await expect(tidier.sweep()).rejects.toThrow('away');
  away = false;
  slot.disabled = 'answered 410';
  await tidier.sweep();
  expect([slot.mended, abandoned.at(-1)]).toEqual([3, { only: 'one' }]);
});
