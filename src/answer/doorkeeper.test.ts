import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDoorkeeper } from './doorkeeper.ts';

const hashes = fc.integer({ min: 0, max: 2 ** 30 - 1 });

test('knows what it was shown last, and nothing that it was not shown', () => {
  fc.assert(
    fc.property(fc.array(hashes), fc.nat(500), (list, span) => {
      const doorkeeper = createDoorkeeper();
      doorkeeper.widen(span);
      const shown = new Set<number>();
      for (const hash of list) {
        if (doorkeeper.knows(hash)) expect(shown).toContain(hash);
        shown.add(hash);
        expect(doorkeeper.knows(hash)).toBe(true);
      }
    }),
  );
});

test('remembers as many others as it is asked to, where none meet, and forgets what lies far back', () => {
  const doorkeeper = createDoorkeeper();
  doorkeeper.widen(256);
  for (let hash = 0; hash < 256; hash++) doorkeeper.knows(hash);
  for (let hash = 0; hash < 256; hash++) expect(doorkeeper.knows(hash)).toBe(true);
  for (let hash = 256; hash < 512; hash++) doorkeeper.knows(hash);
  for (let hash = 0; hash < 256; hash++) expect(doorkeeper.knows(hash)).toBe(false);
});
