import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { createEmitter } from './emitter.ts';
import { createEnvelopes } from './envelope.ts';
import type { OutboxEntry } from './outbox.ts';
import { sampleDrafts } from './samples.ts';

const draft = sampleDrafts['ip.banned'];

function start(
  add: (entries: readonly OutboxEntry[]) => Promise<void>,
  sinks: readonly string[] | null = [],
) {
  const [onAdded, onLost] = [vi.fn<() => void>(), vi.fn<() => void>()];
  const emitter = createEmitter({
    outbox: { add },
    envelope: createEnvelopes({
      source: () => '/t',
      random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    }),
    route: () => sinks,
    ...{ onAdded, onLost },
  });
  return { emitter, onAdded, onLost };
}

it('brings what came together into the outbox together, and again until it is taken', async () => {
  const calls: number[] = [];
  let away = true;
  const { emitter, onAdded } = start(async (entries) => {
    calls.push(entries.length);
    if (away) throw new Error('away');
  });
  for (let at = 0; at < 700; at += 1) emitter.emit(draft);
  await vi.waitFor(() => expect(calls.length).toBe(1));
  expect(onAdded).not.toHaveBeenCalled();
  away = false;
  await vi.waitFor(() => expect(emitter.state().waiting).toBe(0));
  expect(calls).toEqual([500, 500, 200]);
  expect(emitter.state()).toEqual({ emitted: { 'ip.banned': 700 }, waiting: 0, lost: 0 });
});

it('keeps so many in memory, and says once that more are lost', async () => {
  const { emitter, onLost } = start(() => Promise.reject(new Error('away')));
  for (let at = 0; at < 10_005; at += 1) emitter.emit(draft);
  expect(emitter.state()).toMatchObject({ waiting: 10_000, lost: 5 });
  expect(onLost).toHaveBeenCalledOnce();
  emitter.stop();
});

it('a flood pushes out nothing else, and one of addresses nothing of keys', () => {
  const { emitter } = start(() => Promise.reject(new Error('away')));
  const { keyId: _, ...flood } = sampleDrafts['rate_limit.exceeded'];
  for (let at = 0; at < 10_005; at += 1) emitter.emit(flood);
  emitter.emit({ ...sampleDrafts['quota.exceeded'], keyId: 'of-acme' });
  emitter.emit(sampleDrafts['upstream.down']);
  emitter.emit(sampleDrafts['quota.warning']);
  expect(emitter.state()).toMatchObject({ waiting: 10_003, lost: 5 });
  emitter.stop();
});

it('has room again for what it has brought', async () => {
  let away = true;
  const { emitter } = start(() => (away ? Promise.reject(new Error('away')) : Promise.resolve()));
  for (let at = 0; at < 10_001; at += 1) emitter.emit(draft);
  away = false;
  await emitter.flush(5000);
  expect(emitter.state()).toMatchObject({ waiting: 0, lost: 1 });
  for (let at = 0; at < 10_001; at += 1) emitter.emit(draft);
  expect(emitter.state()).toMatchObject({ waiting: 10_000, lost: 2 });
  await emitter.flush(5000);
});

it('tries again at its end, for as long as it may', async () => {
  let away = true;
  const { emitter } = start(() => (away ? Promise.reject(new Error('away')) : Promise.resolve()));
  emitter.emit(draft);
  setTimeout(() => (away = false), 100);
  await emitter.flush(10_000);
  expect(emitter.state()).toMatchObject({ waiting: 0, lost: 0 });
  away = true;
  emitter.emit(draft);
  await emitter.flush(150);
  expect(emitter.state().waiting).toBe(1);
  emitter.stop();
});

it('lets one that the store has no place for be in the way of none', async () => {
  const taken: string[] = [];
  const { emitter, onLost } = start(async (entries) => {
    if (entries.some(({ subject }) => subject === 'bad'))
      throw Object.assign(new Error('too long'), { code: 'invalid' });
    taken.push(...entries.map(({ subject }) => subject));
  });
  for (const subject of ['a', 'bad', 'b']) emitter.emit({ ...draft, subject });
  await vi.waitFor(() => expect(taken).toEqual(['a', 'b']));
  expect(emitter.state()).toMatchObject({ waiting: 0, lost: 1 });
  expect(onLost).toHaveBeenCalledOnce();
});

it('makes nothing of what nobody wants, and an entry for somebody else’s transaction', async () => {
  const add = vi.fn<() => Promise<void>>(async () => undefined);
  const nobody = start(add, null);
  nobody.emitter.emit(draft);
  expect(nobody.emitter.prepare(draft)).toBeNull();
  await delay(20);
  expect(add).not.toHaveBeenCalled();
  expect(nobody.emitter.state().emitted).toEqual({});
  const entry = start(add, ['one']).emitter.prepare(draft);
  expect(entry).toMatchObject({ type: 'ip.banned', subject: draft.subject, sinks: ['one'] });
  expect(add).not.toHaveBeenCalled();
});
