import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { RequestBody } from './request-body.ts';
import { UnreadBytes } from './unread-bytes.ts';

const pieces = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 30 });

it('a body is its pieces', () => {
  fc.assert(
    fc.property(pieces, (parts) => {
      const body = new RequestBody();
      const whole = Buffer.concat(parts);
      for (const part of parts) body.add(Buffer.from(part));
      expect(body.length).toBe(whole.length);
      expect(body.bytes().equals(whole)).toBe(true);
    }),
  );
});

it('a body in chunks of one byte takes memory of its size', () => {
  const body = new RequestBody();
  for (let k = 0; k < 1 << 20; k++) body.add(Buffer.alloc(1, k));
  expect(body.bytes().buffer.byteLength).toBeLessThanOrEqual(4 << 20);
});

it('kept bytes come back, and no memory is taken for what was only announced', () => {
  fc.assert(
    fc.property(pieces, fc.nat(), (parts, expected) => {
      const unread = new UnreadBytes();
      unread.expected = expected;
      const whole = Buffer.concat(parts);
      for (const part of parts) {
        unread.keep(Buffer.concat([Buffer.alloc(3), part]), 3, 3 + part.length);
      }
      const taken = unread.take();
      expect(taken.equals(whole)).toBe(true);
      if (taken.length > 8192) expect(taken.buffer.byteLength).toBeLessThanOrEqual(2 * taken.length);
      expect(unread).toMatchObject({ length: 0, expected: 0 });
    }),
  );
});
