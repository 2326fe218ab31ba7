import { hash } from 'node:crypto';
import { UUID_BYTES } from './uuid.ts';

const PREFIX = 'polymorph-proxy config key:';

/**
 * The id of a key that stands in the config, made of its name: it stays the same over restarts, files and rotations of the key
 * itself, so that usage has one home. A UUID of version 8 (RFC 9562, 5.8): 122 bits of a SHA-256.
 */
export function configKeyId(name: string): Uint8Array {
  const id = hash('sha256', PREFIX + name, 'buffer').subarray(0, UUID_BYTES);
  id[6] = (id[6]! & 0x0f) | 0x80;
  id[8] = (id[8]! & 0x3f) | 0x80;
  return id;
}
