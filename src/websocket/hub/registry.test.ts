import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createRegistry } from './registry.ts';

const about = (caller: string) => ({
  ...{ id: caller, caller, keyNumber: -1, keyPrefix: '', address: '', network: 'n', openedAtMs: 0 },
});

it('holds each caller to its bounds over all workers', () => {
  const registry = createRegistry();
  expect(registry.open(0, 1, about('a'), 2)).toBe(true);
  expect(registry.open(1, 1, about('a'), 2)).toBe(true);
  expect(registry.open(1, 2, about('a'), 2)).toBe(false);
  expect(registry.open(1, 2, about('b'), 2)).toBe(true);
  expect(registry.open(1, 3, about('b'), 0)).toBe(true);
  registry.close(0, 1);
  expect(registry.open(0, 2, about('a'), 2)).toBe(true);
});

it('counts subscriptions over all sockets of a caller, also those that are being asked for', () => {
  const registry = createRegistry();
  registry.open(0, 1, about('a'), 0);
  registry.open(1, 1, about('a'), 0);
  const [one, other] = [registry.find(0, 1)!, registry.find(1, 1)!];
  expect(registry.subscribe(one, 1, { kind: 'k', feed: 0 }, 2)).toBe(true);
  expect(registry.subscribe(other, 1, { kind: 'k', feed: 0 }, 2)).toBe(true);
  expect(registry.subscribe(one, 2, { kind: 'k', feed: 0 }, 2)).toBe(false);
  // Its answer takes no second place.
  expect(registry.subscribe(one, 1, { kind: 'k', feed: 7 }, 2)).toBe(true);
  expect(registry.unsubscribe(one, 1)).toEqual({ kind: 'k', feed: 7 });
  expect(registry.unsubscribe(one, 1)).toBeUndefined();
  expect(registry.subscribe(one, 2, { kind: 'k', feed: 0 }, 2)).toBe(true);
  registry.dropWorker(1);
  expect(registry.subscribe(one, 3, { kind: 'k', feed: 0 }, 2)).toBe(true);
});

it('is exact over any history, and empty when all are gone', () => {
  const step = fc.record({
    what: fc.constantFrom('open', 'close', 'subscribe', 'unsubscribe', 'drop'),
    worker: fc.nat(1),
    socket: fc.nat(4),
    ask: fc.nat(3),
    caller: fc.constantFrom('a', 'b'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const registry = createRegistry();
      const sockets = new Map<string, { caller: string; asks: Set<number> }>();
      const all = (caller: string) => [...sockets.values()].filter((each) => each.caller === caller);
      for (const { what, worker, socket, ask, caller } of steps) {
        const id = `${worker} ${socket}`;
        const known = sockets.get(id);
        const found = registry.find(worker, socket);
        expect(found === undefined).toBe(known === undefined);
        if (what === 'open' && known === undefined) {
          const admitted = all(caller).length < 2;
          expect(registry.open(worker, socket, about(caller), 2)).toBe(admitted);
          if (admitted) sockets.set(id, { caller, asks: new Set() });
        } else if (what === 'close') {
          registry.close(worker, socket);
          sockets.delete(id);
        } else if (what === 'subscribe' && known && found) {
          const count = all(known.caller).reduce((sum, { asks }) => sum + asks.size, 0);
          const admitted = known.asks.has(ask) || count < 3;
          expect(registry.subscribe(found, ask, { kind: 'k', feed: 1 }, 3)).toBe(admitted);
          if (admitted) known.asks.add(ask);
        } else if (what === 'unsubscribe' && known && found) {
          expect(registry.unsubscribe(found, ask) !== undefined).toBe(known.asks.delete(ask));
        } else if (what === 'drop') {
          registry.dropWorker(worker);
          for (const other of [...sockets.keys()]) if (other.startsWith(`${worker} `)) sockets.delete(other);
        }
        expect(registry.size).toBe(sockets.size);
      }
    }),
  );
});
