import type { ExactBucket, ExactReading, LeaseAnswer, LeaseAsk } from '../index.ts';
import { advance, fullBucket, lease, take } from './shared-bucket.ts';
import type { SharedBucket } from './shared-bucket.ts';

export type { SharedBucket } from './shared-bucket.ts';
export { keepMs } from './shared-bucket.ts';

/** Where shared buckets stand, in memory: what Redis holds after the same calls at the same times. */
export class SharedModel {
  /** Of those that are not full: a full bucket is the same as none. */
  readonly buckets = new Map<string, SharedBucket>();

  take(links: readonly ExactBucket[], cost: number, now: number): ExactReading {
    const buckets = links.map(({ bucket, shape }) => this.at(bucket, shape, now));
    const reading = take(buckets, cost, now);
    links.forEach(({ bucket }, i) => this.store(bucket, buckets[i]!));
    return reading;
  }

  ask(holder: string, ask: LeaseAsk, now: number): LeaseAnswer {
    const bucket = this.at(ask.bucket, ask.shape, now);
    const answer = lease(bucket, holder, ask, now);
    this.store(ask.bucket, bucket);
    return answer;
  }

  private at(name: string, shape: ExactBucket['shape'], now: number): SharedBucket {
    const bucket = structuredClone(this.buckets.get(name) ?? fullBucket(shape, now));
    advance(bucket, shape, now);
    return bucket;
  }

  private store(name: string, bucket: SharedBucket): void {
    if (!bucket.written) return;
    bucket.written = false;
    if (bucket.level === bucket.shape.maxUnits) this.buckets.delete(name);
    else this.buckets.set(name, bucket);
  }
}
