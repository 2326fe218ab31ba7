import { describe, expect, it } from 'vitest';
import { nearestName } from './nearest.ts';

const names = ['listen', 'workers', 'trusted_proxies', 'max_body_bytes', 'burst_size', 'tls'];

describe('nearestName', () => {
  it.each([
    ['lisen', 'listen'],
    ['lsiten', 'listen'],
    ['Workers', 'workers'],
    ['trustedProxies', 'trusted_proxies'],
    ['max-body-byte', 'max_body_bytes'],
    ['burst', 'burst_size'],
    ['tsl', 'tls'],
  ])('%s means %s', (written, meant) => {
    expect(nearestName(written, names)).toBe(meant);
  });

  it.each(['zebra', 'x', '', 'l'.repeat(1000)])('%s means nothing', (written) => {
    expect(nearestName(written, names)).toBeUndefined();
  });
});
