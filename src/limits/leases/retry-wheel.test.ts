import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRetryWheel } from './retry-wheel.ts';

test('what was put in comes out once, when its last time has come, and within a slot of it', () => {
  const step = fc.oneof(
    fc.record({ put: fc.nat(9), inMicros: fc.integer({ min: 0, max: 1_500_000 }) }),
    fc.record({ passMicros: fc.integer({ min: 0, max: 2_000_000 }), most: fc.integer({ min: 1, max: 20 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const wheel = createRetryWheel<number>();
      const expected = new Map<number, number>();
      let now = 5_000_000;
      for (const one of steps) {
        if ('put' in one) {
          wheel.put(one.put, now + one.inMicros);
          expected.set(one.put, now + one.inMicros);
          continue;
        }
        now += one.passMicros;
        const found = wheel.due(now, one.most);
        expect(found.length).toBeLessThanOrEqual(one.most);
        for (const each of found) {
          expect(expected.get(each)).toBeLessThanOrEqual(now);
          expected.delete(each);
        }
        if (found.length === one.most) continue;
        for (const at of expected.values()) expect(at).toBeGreaterThan(now - 20_001);
      }
    }),
  );
});

test('after a long rest all that is due comes out, and what was put in since', () => {
  const wheel = createRetryWheel<number>();
  for (let k = 0; k < 100_000; k++) wheel.put(k, 1_000_000 + (k % 50) * 20_000);
  for (let now = 0; now < 900_000; now += 20_000) expect(wheel.due(now, 500)).toEqual([]);
  expect(wheel.due(3_600_000_000, 200_000)).toHaveLength(100_000);
  wheel.put(1, 7_200_000_000);
  expect(wheel.due(7_200_020_000, 1)).toEqual([1]);
});

test('what came out sooner than it was first put in for is not kept until then, or for ever', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const wheel = createRetryWheel<object>();
  const put = (): WeakRef<object> => {
    const one = {};
    wheel.put(one, 1_000_000);
    wheel.put(one, 40_000);
    expect(wheel.due(100_000, 10)).toHaveLength(1);
    return new WeakRef(one);
  };
  return new Promise<void>((resolve) => {
    const gone = put();
    setImmediate(() => {
      collect();
      expect(gone.deref()).toBeUndefined();
      resolve();
    });
  });
});
