import type { BucketShape } from '../../limits/index.ts';

/** One call of a script: its keys and shapes, each once, and what is asked of them. */
export interface ScriptMessage {
  readonly keys: string[];
  /** Place of a bucket's key, from 1 as Lua counts. */
  key(bucket: string): number;
  /** Place of a shape, likewise. */
  shape(shape: BucketShape): number;
  /** All arguments: the shapes, then `rest`. */
  args(rest: readonly (string | number)[]): (string | number)[];
}

export function createScriptMessage(prefix: string): ScriptMessage {
  const keys: string[] = [];
  const places = new Map<string, number>();
  const shapes = new Map<BucketShape, number>();

  return {
    keys,
    key(bucket) {
      let place = places.get(bucket);
      if (place === undefined) {
        place = keys.push(prefix + bucket);
        places.set(bucket, place);
      }
      return place;
    },
    shape(shape) {
      let place = shapes.get(shape);
      if (place === undefined) {
        place = shapes.size + 1;
        shapes.set(shape, place);
      }
      return place;
    },
    args(rest) {
      const all: (string | number)[] = [shapes.size];
      for (const shape of shapes.keys())
        all.push(shape.maxUnits, shape.refillUnits, shape.tokenUnits, shape.tickMicros, shape.burstUnits);
      return all.concat(rest);
    },
  };
}

/** What chooses a bucket's slot in a Cluster: its owner, in braces. See `bucketKey`. */
export function slotTag(bucket: string): string {
  return bucket.slice(0, bucket.indexOf('}'));
}
