import { createHmac, createPrivateKey, sign as signBytes } from 'node:crypto';

/** Signature of one message: `webhook-signature`, empty where there is no secret. */
export type Signer = (id: string, timestamp: string, body: string) => string;

/** An ed25519 private key of PKCS #8 is this and its 32 bytes (RFC 8410, 7). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Of Standard Webhooks: `v1,` for each `whsec_` secret, `v1a,` for each `whsk_` key, in their order. */
export function createSigner(secrets: readonly string[]): Signer {
  const signers = secrets.map((secret) => {
    const bytes = Buffer.from(secret.slice(secret.indexOf('_') + 1), 'base64');
    if (secret.startsWith('whsec_'))
      return (message: string) => `v1,${createHmac('sha256', bytes).update(message).digest('base64')}`;
    // 64 bytes are the seed and the public key behind it.
    const der = Buffer.concat([pkcs8Head, bytes.subarray(0, 32)]);
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    return (message: string) => `v1a,${signBytes(null, Buffer.from(message), key).toString('base64')}`;
  });
  return (id, timestamp, body) => {
    const message = `${id}.${timestamp}.${body}`;
    return signers.map((sign) => sign(message)).join(' ');
  };
}
