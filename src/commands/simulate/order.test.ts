import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createOrder, type Timed } from './order.ts';

const entry = (at: number, worker = 0, request = 0, item = 0): Timed => ({ at, worker, request, item });

function drain(order: ReturnType<typeof createOrder<Timed>>, all: boolean): Timed[] {
  const out: Timed[] = [];
  for (let next = order.next(all); next !== undefined; next = order.next(all)) out.push(next);
  return out;
}

test('what is out of order by less than the window comes out in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ step: fc.nat(30), late: fc.nat(99), item: fc.nat(3) }), { maxLength: 300 }),
      (steps) => {
        const order = createOrder<Timed>(100, 10_000);
        let now = 0;
        const given = steps.map(({ step, late, item }) => entry((now += step) - late, item % 2, 0, item));
        const out = given.flatMap((one) => {
          order.push(one);
          return drain(order, false);
        });
        out.push(...drain(order, true));
        const sorted = given.toSorted((a, b) => a.at - b.at || a.worker - b.worker || a.item - b.item);
        expect(out).toEqual(sorted);
      },
    ),
  );
});

test('calls of one microsecond come by worker, request and place in their batch', () => {
  const order = createOrder<Timed>(10, 10);
  for (const one of [entry(5, 1, 2, 1), entry(5, 1, 10), entry(5, 1, 2, 0), entry(5, 0, 99)]) order.push(one);
  expect(drain(order, true)).toEqual([
    entry(5, 0, 99),
    entry(5, 1, 2, 0),
    entry(5, 1, 2, 1),
    entry(5, 1, 10),
  ]);
});

test('no more are held than there is room for: the earliest go on', () => {
  const order = createOrder<Timed>(1e9, 3);
  for (const at of [4, 2, 5, 1, 3]) order.push(entry(at));
  expect(drain(order, false)).toEqual([entry(1), entry(2)]);
});
