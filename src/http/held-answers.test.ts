import { expect, it } from 'vitest';
import { HeldAnswers } from './held-answers.ts';

const MiB = 1 << 20;

class Holder {
  heldBytes = 0;
  wasCut = false;
  cut(): void {
    this.wasCut = true;
    this.heldBytes = 0;
  }
}

it('cuts the one that holds most, once all together hold too much', () => {
  const held = new HeldAnswers(100 * MiB);
  const holders = Array.from({ length: 4 }, () => new Holder());
  const grow = (k: number, bytes: number): void => {
    holders[k]!.heldBytes = bytes;
    held.grown(holders[k]!);
  };
  grow(0, 20 * MiB);
  grow(1, 50 * MiB);
  grow(2, 29 * MiB);
  expect(holders.some(({ wasCut }) => wasCut)).toBe(false);
  grow(3, 2 * MiB);
  expect(holders.map(({ wasCut }) => wasCut)).toEqual([false, true, false, false]);
  grow(3, 200 * MiB);
  expect(holders[3]!.wasCut).toBe(true);
});

it('forgets those whose clients have read', () => {
  const held = new HeldAnswers(100 * MiB);
  const [one, other] = [new Holder(), new Holder()];
  one.heldBytes = 90 * MiB;
  held.grown(one);
  one.heldBytes = 0;
  other.heldBytes = 90 * MiB;
  held.grown(other);
  expect(other.wasCut).toBe(false);
});
