import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Process tests that measure: times of calls, rates, memory, or what has to be done within a second. Two at a time. The others mostly wait, for programs to
 * start, for leases to end, for looks at the ledger.
 */
export const measuring: readonly string[] = [
  'test/behaviour/health.test.ts',
  'test/behaviour/reload.test.ts',
  'test/behaviour/simulate.test.ts',
  'test/blocklist/blocklist.test.ts',
  'test/blocklist/flood.test.ts',
  'test/hostile/*.test.ts',
  'test/chaos/chaos.test.ts',
  'test/demo.test.ts',
  'test/redis/cache.test.ts',
  'test/redis/faults.test.ts',
  'test/redis/limits.test.ts',
  'test/redis/quotas.test.ts',
  'test/redis/trouble.test.ts',
  'test/soak/soak.test.ts',
  'test/store/disk-full.test.ts',
  'test/store/keys.test.ts',
  'test/store/many-keys.test.ts',
  'test/upstreams/choice.test.ts',
  'test/upstreams/hedging.test.ts',
  'test/upstreams/killed.test.ts',
  'test/upstreams/shedding.test.ts',
  'test/websocket/crowd.test.ts',
  'test/websocket/hostile.test.ts',
  'test/websocket/leaks.test.ts',
];

/** Over 20 s each, the longest first. */
export const longest: readonly string[] = [
  'test/redis/quotas.test.ts',
  'test/events/webhooks.test.ts',
  'test/store/quotas.test.ts',
  'test/store/away.test.ts',
  'test/redis/faults.test.ts',
  'test/store/faults.test.ts',
  'test/redis/bans.test.ts',
  'test/redis/limits.test.ts',
  'test/store/killed.test.ts',
  'src/websocket/hub/hub.test.ts',
  'test/websocket/clients.test.ts',
  'test/upstreams/killed.test.ts',
  'test/hostile/floods.test.ts',
  'test/redis/trouble.test.ts',
  'test/upstreams/vices.test.ts',
  'test/store/keys.test.ts',
  'test/package.test.ts',
  'test/store/disk-full.test.ts',
  'test/redis/cache.test.ts',
  'test/websocket/hostile.test.ts',
  'test/hostile/deaf-clients.test.ts',
  'src/http/server.test.ts',
  'test/store/clock.test.ts',
];

/** The longest first, so that no lane ends long after the others. vitest knows them by an earlier run; in a fresh clone there is none. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = longest.findIndex((path) => moduleId.endsWith(`/${path}`));
      return found === -1 ? longest.length : found;
    };
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other));
  }
}
