import { createHash, timingSafeEqual } from 'node:crypto';

/** Decides whether an `Authorization` header carries the admin token. */
export type TokenCheck = (authorization: string | undefined) => boolean;

/** The token in the only form it is kept. */
export interface AdminTokenDigest {
  /** Hex. */
  sha256: string;
}

/**
 * A check for `Authorization: Bearer <token>` (RFC 6750 section 2.1; the scheme in any case). SHA-256 digests are
 * compared in constant time, so neither the token's length nor a common prefix shows in the time taken.
 * Without a token everybody passes: the configuration allows that on loopback only. `second` passes where there is a token.
 */
export function createTokenCheck(
  token: AdminTokenDigest | null,
  second: AdminTokenDigest | null = null,
): TokenCheck {
  if (token === null) return () => true;
  const expected = [token, ...(second === null ? [] : [second])].map(({ sha256 }) =>
    Buffer.from(sha256, 'hex'),
  );
  return (authorization) => {
    const presented = /^bearer +([^\s]+) *$/i.exec(authorization ?? '')?.[1];
    // Hash even when nothing was presented, and compare with each, so that all refusals take the same time.
    const hashed = digest(presented ?? '');
    const equal = expected.filter((each) => timingSafeEqual(hashed, each)).length > 0;
    return equal && presented !== undefined;
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
