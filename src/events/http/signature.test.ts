import { generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { createSigner } from './signature.ts';

const secretOf = (bytes: number): string => `whsec_${randomBytes(bytes).toString('base64')}`;
const at = new Date();
const timestamp = String(Math.floor(at.getTime() / 1000));
const headersOf = (signature: string) => ({
  'webhook-id': 'msg_1',
  'webhook-timestamp': timestamp,
  'webhook-signature': signature,
});

describe('signatures', () => {
  it('property: are what Standard Webhooks’ own library makes and takes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 24, max: 64 }), fc.string({ unit: 'grapheme' }), (bytes, text) => {
        const secret = secretOf(bytes);
        const body = JSON.stringify({ text });
        const signature = createSigner([secret])('msg_1', timestamp, body);
        const oracle = new Webhook(secret);
        expect(signature).toBe(oracle.sign('msg_1', new Date(Number(timestamp) * 1000), body));
        expect(oracle.verify(body, headersOf(signature))).toEqual({ text });
        expect(() => oracle.verify(`${body} `, headersOf(signature))).toThrow();
      }),
      { numRuns: 50 },
    );
  });

  it('are one for each secret, so that a receiver with either takes it', () => {
    const [old, next, other] = [secretOf(24), secretOf(32), secretOf(24)];
    const signature = createSigner([next, old])('msg_1', timestamp, '{}');
    expect(signature.split(' ')).toHaveLength(2);
    for (const secret of [old, next]) new Webhook(secret).verify('{}', headersOf(signature));
    expect(() => new Webhook(other).verify('{}', headersOf(signature))).toThrow();
  });

  it('are of ed25519 with a whsk_ key: its seed, or seed and public key', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
    const open = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    for (const key of [seed, Buffer.concat([seed, open])]) {
      const signature = createSigner([`whsk_${key.toString('base64')}`])('msg_1', timestamp, '{"a":1}');
      const [, base64 = ''] = /^v1a,(.+)$/.exec(signature) ?? [];
      const message = Buffer.from(`msg_1.${timestamp}.{"a":1}`);
      expect(verify(null, message, publicKey, Buffer.from(base64, 'base64'))).toBe(true);
      expect(verify(null, Buffer.from('other'), publicKey, Buffer.from(base64, 'base64'))).toBe(false);
    }
  });

  it('are none without a secret', () => {
    expect(createSigner([])('msg_1', timestamp, '{}')).toBe('');
  });
});
