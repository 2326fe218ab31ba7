import { expect, it } from 'vitest';
import { outcomes } from '../limits/index.ts';
import { LATENCY_BUCKETS, latencyBucket, usageStatuses } from './record.ts';

it('counts a latency in the bucket of the next power of two', () => {
  for (const micros of [0, 1, 63, 63.9, Number.NaN, -5]) expect(latencyBucket(micros)).toBe(0);
  for (let k = 1; k < LATENCY_BUCKETS; k++) {
    expect([latencyBucket(2 ** (k + 5)), latencyBucket(2 ** (k + 6) - 1)]).toEqual([k, k]);
  }
  for (const micros of [2 ** 30, 2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY])
    expect(latencyBucket(micros)).toBe(LATENCY_BUCKETS - 1);
});

it('calls what became of a call as the limits do', () => {
  expect(usageStatuses.map((status) => outcomes[status])).toEqual([0, 1, 2]);
});
