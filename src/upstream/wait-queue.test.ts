import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Pending } from './pending.ts';
import { Caller } from './testing/caller.ts';
import { WaitQueue } from './wait-queue.ts';

it('is a plain list, with calls to be sent again before the others', () => {
  const step = fc.constantFrom('push', 'push', 'alone', 'front', 'shift', 'shift', 'odd', 'separate');
  fc.assert(
    fc.property(fc.array(step, { maxLength: 900 }), (steps) => {
      const queue = new WaitQueue();
      let front: Pending[] = [];
      let model: Pending[] = [];
      let id = 0;
      for (const step of steps) {
        const pending = new Pending(new Caller(), ++id, 0);
        pending.alone = step !== 'push';
        if (step === 'push' || step === 'alone') {
          queue.push(pending);
          model.push(pending);
        } else if (step === 'front') {
          queue.pushFront(pending);
          front.push(pending);
        } else if (step === 'shift') {
          expect(queue.peek()).toBe(front[0] ?? model[0]);
          expect(queue.shift()).toBe(front.length > 0 ? front.shift() : model.shift());
        } else if (step === 'odd') {
          const odd = (pending: Pending): boolean => pending.id % 16 === 1;
          expect(queue.takeWhere(odd)).toEqual([...front, ...model].filter(odd));
          front = front.filter((pending) => !odd(pending));
          model = model.filter((pending) => !odd(pending));
        } else queue.separate();
        const all = [...front, ...model];
        expect(queue.length).toBe(all.length);
        expect(queue.groupable).toBe(all.filter((pending) => !pending.alone).length);
        expect(queue.bytes).toBe(all.reduce((sum, pending) => sum + pending.body.length, 0));
      }
    }),
    { numRuns: 60 },
  );
});

it('does not hold calls that have gone', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const queue = new WaitQueue();
  const put = (): WeakRef<Pending> => {
    const pending = new Pending(new Caller(), 1, 0);
    queue.push(pending);
    return new WeakRef(pending);
  };
  const calls = Array.from({ length: 200 }, put);
  for (let gone = 0; gone < 200; gone++) queue.shift();
  // A reference holds what it was made of until its turn is over.
  await new Promise(setImmediate);
  collect();
  expect(queue.length).toBe(0);
  expect(calls.filter((call) => call.deref() !== undefined)).toEqual([]);
});
