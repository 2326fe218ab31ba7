import {
  type BucketNeed,
  bucketShape,
  createBuckets,
  createMonotonicClock,
  createQuotaCeilings,
  type ExactReading,
  type ExactStore,
  type QuotaNeed,
  type RuleParams,
  setAway,
  setHere,
  setPlace,
} from '../../limits/index.ts';
import type { TestGateway } from './gateway.ts';
import { until } from './until.ts';

interface Asked {
  waiting: number;
  need: BucketNeed | QuotaNeed;
}

/** Main's part in leases, by hand: what a test says is lent. */
export interface TestLender {
  /** All needs that the worker has told of, in order. */
  asked(): Asked[];
  /** Messages they came in. */
  messages(): number;
  /** Waits until so many needs were told of. */
  until(needs: number): Promise<Asked[]>;
  /** Writes a lease of so many tokens of a rule. `dryMs`: there is no more for so long. */
  lend(
    need: BucketNeed | QuotaNeed,
    rule: RuleParams,
    tokens: number,
    over?: { dryMs?: number; rest?: number; low?: number },
  ): void;
  /** Lets calls use so much of a quota. */
  lendQuota(need: BucketNeed | QuotaNeed, ceiling: number): void;
  /** Says that all needs so far were seen to. */
  wake(): void;
  /** Tokens left of a lease. */
  left(need: BucketNeed | QuotaNeed, rule: RuleParams): number;
  away(over?: boolean): void;
}

export function createTestLender(gateway: TestGateway, instances = 3): TestLender {
  const { limits } = gateway;
  const table = createBuckets(limits, 0).leases!;
  const now = createMonotonicClock();
  setPlace(limits, { instances, rank: 0 });
  const messages = () => gateway.told.filter((message) => message.type === 'leases');
  const asked = (): Asked[] => messages().flatMap(({ needs }) => needs);
  const unitsOf = (rule: RuleParams): number => bucketShape(rule)!.tokenUnits;
  let woken = 0;
  return {
    asked,
    messages: () => messages().length,
    async until(needs) {
      await until(() => asked().length >= needs);
      return asked();
    },
    lend(need, rule, tokens, { dryMs = 0, rest = 0, low = 0 } = {}) {
      if ('slot' in need) throw new Error('a quota has no bucket');
      const at = now();
      table.grant(
        need,
        {
          units: tokens * unitsOf(rule),
          askedMicros: at,
          untilMicros: at + 3_600_000_000,
          rest: rest * unitsOf(rule),
          dryUntilMicros: dryMs === 0 ? 0 : at + dryMs * 1000,
          low: low * unitsOf(rule),
        },
        at,
      );
    },
    lendQuota(need, ceiling) {
      if (!('slot' in need)) throw new Error('a bucket has no quota');
      createQuotaCeilings(limits)!.grant(need.slot, need.periodId, 0, ceiling, ceiling);
    },
    wake() {
      const waiting = asked().flatMap((each) => (each.waiting > woken ? [each.waiting] : []));
      woken = Math.max(woken, ...waiting);
      gateway.leased(waiting);
    },
    left: (need, rule) => ('slot' in need ? Number.NaN : table.read(need, now()).units / unitsOf(rule)),
    away(over = true) {
      if (over) setAway(limits.leases!, now());
      else setHere(limits.leases!);
    },
  };
}

/** Where exact limits are decided, by hand. */
export interface TestExactStore extends ExactStore {
  readonly asks: {
    buckets: readonly string[];
    cost: number;
    answer: (reading: ExactReading | null) => void;
  }[];
}

export function createTestExactStore(): TestExactStore {
  const asks: TestExactStore['asks'] = [];
  return {
    asks,
    take: (buckets, cost) =>
      new Promise((answer) => {
        asks.push({ buckets: buckets.map(({ bucket }) => bucket), cost, answer });
      }),
  };
}
