import { beforeEach, describe, expect, test } from 'vitest';
import { outcomes } from '../chain.ts';
import { createQuotaCeilings, type QuotaCeilings } from './quota-ceilings.ts';
import { quotaPeriod } from './quota.ts';
import { createFixture, type Fixture } from '../testing/fixture.ts';

const SLOT = 7;
const LIMIT = 100;
const june = quotaPeriod('month', Date.UTC(2026, 5, 10)).id;
const july = quotaPeriod('month', Date.UTC(2026, 6, 1)).id;

let worker: Fixture;
let main: QuotaCeilings;
beforeEach(() => {
  worker = createFixture({ shared: true });
  main = createQuotaCeilings(worker.memory)!;
});

/** One call by a worker. Its outcome, and whether the worker asks main for more. */
function use(cost: number, period = june): { outcome: number; asks: boolean } {
  const { chain, buckets } = worker;
  chain.reset(1);
  chain.quota(SLOT, period, LIMIT, cost);
  buckets.take(chain, 0);
  return { outcome: chain.outcome, asks: chain.coldQuotas !== 0 || chain.lowQuotas !== 0 };
}
const passes = { outcome: 0, asks: false };
const cold = { outcome: outcomes.cold, asks: true };
const refused = { outcome: outcomes.quota, asks: false };

test('there are none where no other instance has the quotas', () => {
  expect(createQuotaCeilings(createFixture().memory)).toBeNull();
});

describe('a ceiling', () => {
  test('is what calls go up to, and asked about before it is reached', () => {
    expect(use(1)).toEqual(cold);
    expect(main.grant(SLOT, june, 0, 10, 6)).toBe(true);
    expect(use(5)).toEqual(passes);
    // Said once.
    expect(use(1)).toEqual({ outcome: 0, asks: true });
    expect(use(4)).toEqual(passes);
    expect(use(1)).toEqual(cold);
    expect(main.read(SLOT, june)).toEqual({ used: 10, ceiling: 10 });
  });

  test('that is dry refuses without asking, until it is moistened', () => {
    main.grant(SLOT, june, 0, 2, 'dry');
    expect(use(2)).toEqual(passes);
    expect(use(1)).toEqual(refused);
    main.moisten(SLOT, july);
    expect(use(1)).toEqual(refused);
    main.moisten(SLOT, june);
    expect(use(1)).toEqual(cold);
  });

  test('counts what others used with it', () => {
    main.grant(SLOT, june, 40, 50, 48);
    expect(main.read(SLOT, june)).toEqual({ used: 40, ceiling: 50 });
    expect(use(10).outcome).toBe(0);
    // More was given back than used.
    main.grant(SLOT, june, -90, 20, 18);
    expect(main.read(SLOT, june)).toEqual({ used: 0, ceiling: 20 });
  });

  test('that is closed is what was used, and no call passes any more', () => {
    main.grant(SLOT, june, 0, 10, 8);
    use(4);
    expect(main.close(SLOT, june)).toEqual({ used: 4, ceiling: 10 });
    expect(main.read(SLOT, june)).toEqual({ used: 4, ceiling: 4 });
    expect(use(1)).toEqual(cold);
    // Used beyond it, and once more: nothing is taken back.
    expect(main.shift(SLOT, june, 3)).toBe(3);
    expect(main.close(SLOT, june)).toEqual({ used: 7, ceiling: 7 });
  });

  test('goes with what the ledger says that others used: what is granted stays as much', () => {
    main.grant(SLOT, june, 0, 10, 8);
    use(4);
    expect(main.shift(SLOT, june, 20)).toBe(20);
    expect(main.read(SLOT, june)).toEqual({ used: 24, ceiling: 30 });
    expect(use(4)).toEqual({ outcome: 0, asks: true });
    expect(main.shift(SLOT, june, -100)).toBe(-28);
    expect(main.read(SLOT, june)).toEqual({ used: 0, ceiling: 2 });
    // What is dry stays so.
    main.grant(SLOT, june, 0, 2, 'dry');
    main.shift(SLOT, june, 1);
    expect(use(2).outcome).toBe(0);
    expect(use(1)).toEqual(refused);
  });

  test('of a slot that is somebody else’s now grants nothing', () => {
    main.grant(SLOT, june, 0, 10, 8);
    use(3);
    main.clear(SLOT);
    expect(main.read(SLOT, june)).toEqual({ used: 3, ceiling: 3 });
    expect(use(1)).toEqual(cold);
  });
});

describe('a period', () => {
  test('that begins has nothing granted of the one before', () => {
    main.grant(SLOT, june, 0, 10, 8);
    use(3);
    expect(main.read(SLOT, july)).toEqual({ used: 0, ceiling: 0 });
    expect(use(1, july)).toEqual(cold);
  });

  test('that is over is left alone, whatever comes late for it', () => {
    main.grant(SLOT, july, 5, 10, 8);
    expect(main.read(SLOT, june)).toBeNull();
    expect(main.grant(SLOT, june, 1, 50, 40)).toBe(false);
    expect(main.close(SLOT, june)).toBeNull();
    expect(main.shift(SLOT, june, 3)).toBe(0);
    expect(main.read(SLOT, july)).toEqual({ used: 5, ceiling: 10 });
  });
});
