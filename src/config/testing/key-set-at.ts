import { readSharedText } from '../../identity/index.ts';
import type { KeySetText, PolicySnapshot } from '../snapshot.ts';

/** The set with this number, as it is written for workers; undefined for 0. */
export function keySetAt({ keySets }: PolicySnapshot, number: number): KeySetText | undefined {
  return number === 0 ? undefined : JSON.parse(readSharedText(keySets, number));
}
