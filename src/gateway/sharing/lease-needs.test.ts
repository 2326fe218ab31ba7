import { expect, test } from 'vitest';
import type { Call } from '../call.ts';
import type { FromWorker } from '../messages.ts';
import { createLeaseNeeds } from './lease-needs.ts';
import { createParking, type Parked } from './parking.ts';

const need = { tagLo: 1, tagHi: 2, version: 3, owner: 'o', scope: 's', cost: 1, least: 1 };
const quota = { slot: 4, periodId: 5, limit: 6, cost: 1 };

function start() {
  const told: FromWorker[] = [];
  const due: (() => void)[] = [];
  let now = 0;
  const needs = createLeaseNeeds({
    turn: { defer: (task) => due.push(() => task.flush()) },
    tell: (message) => told.push(message),
    sent: () => {},
    now: () => now,
  });
  const endTurn = (at: number): void => {
    now = at;
    for (const run of due.splice(0)) run();
  };
  return { needs, told, endTurn };
}

const parkedCall = (bytes = Buffer.from('{"x"}')): Call =>
  ({ bytes, start: 0, end: bytes.length, idStart: -1, paramsStart: -1 }) as unknown as Call;
const parked = (): Parked => createParking({ now: () => 0 }).hold(parkedCall())!;

test('who waits for several is ready with the last; a need of another turn is another', () => {
  const { needs, told, endTurn } = start();
  const [one, two] = [parked(), parked()];
  needs.ask(need, one);
  needs.ask(need, two);
  needs.ask(quota, two);
  endTurn(1);
  needs.ask(need, null);
  endTurn(2);
  expect(told).toEqual([
    {
      type: 'leases',
      needs: [
        { waiting: 1, need: { ...need, cost: 2 } },
        { waiting: 2, need: quota },
      ],
    },
    { type: 'leases', needs: [{ waiting: 0, need }] },
  ]);
  expect(needs.answered([1])).toEqual([one]);
  expect(needs.answered([1, 7])).toEqual([]);
  expect(needs.answered([2])).toEqual([two]);
});

test('who waits no more is not woken, and what was forgotten wakes nobody', () => {
  const { needs, endTurn } = start();
  const [one, two] = [parked(), parked()];
  one.over = true;
  needs.ask(need, one);
  endTurn(10);
  needs.ask(need, two);
  endTurn(20);
  needs.forget(20);
  expect(needs.answered([1, 2])).toEqual([two]);
});

test('calls and bytes that wait are bounded, and room comes back', () => {
  const parking = createParking({ now: () => 0, callsMax: 2, bytesMax: 10 });
  const held = parking.hold(parkedCall())!;
  expect(parking.hold(parkedCall(Buffer.alloc(6)))).toBeNull();
  expect(parking.hold(parkedCall())).not.toBeNull();
  expect(parking.hold(parkedCall(Buffer.alloc(0)))).toBeNull();
  parking.free(held);
  expect(held.call.bytes.toString()).toBe('{"x"}');
  expect(parking.calls).toBe(1);
  expect(parking.hold(parkedCall(Buffer.alloc(5)))).not.toBeNull();
});
