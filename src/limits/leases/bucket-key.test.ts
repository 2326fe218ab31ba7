import { describe, expect, test } from 'vitest';
import { bucketKey, sharedOwner, sharedQuotaKey, sharedScope } from './bucket-key.ts';

describe('names that all instances give alike', () => {
  // By `printf %s all | openssl dgst -sha256 -binary | head -c 16 | basenc --base64url`, and so on.
  test('are cut from SHA-256', () => {
    expect(sharedOwner('all')).toBe('XvXvA2S2k5xMph80s5P3sw');
    expect(sharedOwner('key:7f3a')).toBe('YPMNs-oyDPVwmIwlSH038Q');
    expect(sharedScope('key:default')).toBe('_PKAJKgSuB8');
  });

  test('have all that is one owner’s in one slot of a Cluster, and each scope, unit and period apart', () => {
    const owner = sharedOwner('user:u1');
    const names = [
      bucketKey(owner, sharedScope('user:default')),
      bucketKey(owner, sharedScope('user:eth_call')),
      sharedQuotaKey('user:u1', 'requests', 48_619),
      sharedQuotaKey('user:u1', 'cost', 48_619),
      sharedQuotaKey('user:u1', 'requests', 48_621),
    ];
    expect(new Set(names).size).toBe(names.length);
    // What Redis hashes of a name: the text between the first braces.
    expect(new Set(names.map((name) => /\{(.+?)\}/.exec(name)?.[1]))).toEqual(new Set([owner]));
  });
});
