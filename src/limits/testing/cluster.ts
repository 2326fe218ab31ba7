import { setImmediate as turn } from 'node:timers/promises';
import { createLeaseKeeper, type LeaseKeeper, outcomes, setAway, setHere, setPlace } from '../index.ts';
import type { LeaseAsk, LeaseStore, RuleParams } from '../index.ts';
import { advance, fullBucket, lease, type SharedBucket } from './shared-bucket.ts';
import { createFixture, type Fixture } from './fixture.ts';

/** One instance of a simulated cluster, with its own clock. */
export interface Instance {
  /** Takes, as a worker does: with a lease, or after one was asked for, or by its share. Resolves with whether it was let through. */
  call(rule: RuleParams, cost: number): Promise<boolean>;
  /** The same for what cannot wait: by its share where there is no lease. */
  callNow(rule: RuleParams, cost: number): boolean;
  keeper: LeaseKeeper;
  /** Its clock goes on, and it does nothing. */
  paused: boolean;
  /** Redis answers it. */
  reaches: boolean;
  /** The next so many asks are carried out, and not answered. */
  answersLost: number;
}

const { burst, cold } = outcomes;
const ttlMs = 10_000;

/** Instances that share the buckets of one model, on one clock. */
export function createCluster() {
  const buckets = new Map<string, SharedBucket>();
  const instances: Instance[] = [];
  const fixtures = new Map<Instance, { fixture: Fixture; offset: number; lastAway: number }>();
  let now = 1_000_000;
  let redisOffset = 1e15;
  let names = 0;

  function ask(holder: string, asks: readonly LeaseAsk[]) {
    const at = now + redisOffset;
    return asks.map((one) => {
      const bucket = buckets.get(one.bucket) ?? fullBucket(one.shape, at);
      advance(bucket, one.shape, at);
      const answer = lease(bucket, holder, one, at);
      buckets.set(one.bucket, bucket);
      return answer;
    });
  }

  function join(): Instance {
    const fixture = createFixture({ shared: true, entries: 1024, versions: 64 });
    const holder = `instance ${names++}`;
    const offset = names * 777_777_777;
    const { memory, chain } = fixture;
    const leases = memory.leases!;
    const store: LeaseStore = {
      ask(asks) {
        if (!instance.reaches) return Promise.resolve(asks.map(() => null));
        const answers = ask(holder, asks);
        if (instance.answersLost === 0) return Promise.resolve(answers);
        instance.answersLost -= 1;
        return Promise.resolve(answers.map(() => null));
      },
    };
    const keeper = createLeaseKeeper({
      ...{ store, table: fixture.buckets.leases!, shapeOf: fixture.versions.shapeOf, ttlMs },
      instances: () => instances.length,
      away: () => new Int32Array(leases.state)[0] !== 0,
      nowMicros: () => now + offset,
    });

    function take(rule: RuleParams, cost: number, sharing: boolean): number {
      chain.reset(cost);
      chain.sharing = sharing;
      fixture.add('caller', 'default', rule);
      fixture.buckets.take(chain, now + offset);
      return chain.outcome;
    }

    function need(cost: number, done: () => void): void {
      const place = { tagLo: chain.tagLo[0]!, tagHi: chain.tagHi[0]!, version: chain.versions[0]! };
      const least = chain.cold === 0 ? 0 : cost;
      keeper.need({ ...place, owner: 'caller', scope: 'default', cost, least }, done);
    }

    const instance: Instance = {
      ...{ keeper, paused: false, reaches: true, answersLost: 0 },
      async call(rule, cost) {
        let outcome = take(rule, cost, false);
        for (let tries = 0; tries < 5 && (chain.cold | chain.low) !== 0; tries++) {
          await new Promise<void>((done) => need(cost, done));
          if (outcome !== cold) break;
          outcome = take(rule, cost, false);
        }
        if (outcome === cold) outcome = take(rule, cost, true);
        return outcome <= burst;
      },
      callNow(rule, cost) {
        let outcome = take(rule, cost, false);
        if ((chain.cold | chain.low) !== 0) need(cost, () => undefined);
        if (outcome === cold) outcome = take(rule, cost, true);
        return outcome <= burst;
      },
    };
    fixtures.set(instance, { fixture, offset, lastAway: 0 });
    instances.push(instance);
    replace();
    return instance;
  }

  /** All hear at once how many they are. */
  function replace(): void {
    for (const [rank, instance] of instances.entries())
      setPlace(fixtures.get(instance)!.fixture.memory, { instances: instances.length, rank });
  }

  return {
    instances,
    join,
    get nowMicros() {
      return now;
    },
    /** Ends without a word. */
    kill(instance: Instance) {
      instances.splice(instances.indexOf(instance), 1);
      instance.reaches = false;
      replace();
    },
    /** Its breaker has noticed whether Redis answers. */
    notice(instance: Instance) {
      const { fixture, offset } = fixtures.get(instance)!;
      if (instance.reaches) setHere(fixture.memory.leases!);
      else setAway(fixture.memory.leases!, now + offset);
    },
    flush: () => buckets.clear(),
    /** Redis' clock is set, back or forward. */
    setRedisClock(micros: number) {
      redisOffset += micros;
    },
    async pass(micros: number) {
      for (const end = now + micros; now < end; ) {
        now += Math.min(20_000, end - now);
        for (const instance of instances) if (!instance.paused) instance.keeper.tick();
        await turn();
      }
    },
  };
}
