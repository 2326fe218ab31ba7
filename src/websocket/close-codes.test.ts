import { expect, test } from 'vitest';
import { closeCauses, withReason } from './close-codes.ts';

test.each(['x'.repeat(500), '日'.repeat(64), '👩‍🚀'.repeat(40), 'short'])(
  'a reason fits a close frame, whatever it is made of',
  (why) => {
    const { reason, code } = withReason(closeCauses.lost, why);
    expect(code).toBe(1011);
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
    expect(Buffer.byteLength(reason)).toBeGreaterThan(why === 'short' ? 20 : 118);
    expect(reason.startsWith('subscription lost: ')).toBe(true);
    expect(reason.isWellFormed()).toBe(true);
  },
);
