import {
  callerOfAddress,
  createKeyIndexReader,
  createKeyResolver,
  createTrustedProxies,
  type KeyPlace,
  type KeySources,
  keyConflict,
  keyFoundIn,
  keyRefusal,
  presentedKey,
} from '../identity/index.ts';
import type { Hash64 } from '../limits/index.ts';
import { noKey } from '../usage/index.ts';
import type { Policy } from './policy.ts';

/** Who is calling. One object serves a connection's calls for as long as nothing of it changes. */
export interface Caller {
  readonly kind: 'key' | 'address' | 'unknown';
  /** Why it may not call at all; for operators, the caller is told no more than 401. */
  readonly refusedBecause: string | null;
  /** Slot in the policy's key index, -1 without a key. */
  readonly keySlot: number;
  /** -1 without a key. */
  readonly keyNumber: number;
  /** UUID whose usage its calls are; `noKey` without a key. */
  readonly keyId: string;
  readonly keyPrefix: string;
  readonly foundIn: KeyPlace | null;
  readonly ruleSet: number;
  /** Where the quota of its key's user is counted; -1: there is none. */
  readonly userSlot: number;
  /** Its key has an end: the clock has to be asked at each call. */
  readonly expires: boolean;
  /** The address or IPv6 network the call came from, by the trusted proxies' word. */
  readonly address: string;
  /** The address itself, from which another policy finds the same caller. */
  readonly from: string;
  /** Hash of whom the caller's own buckets belong to: the key, or the address. */
  readonly lo: number;
  readonly hi: number;
  readonly addressLo: number;
  readonly addressHi: number;
  /** Where its calls are counted, as `call-figures` knows it; -1: not looked up yet. */
  row: number;
  /** Whose its own buckets are, as all instances know it; null: not looked up yet. */
  sharedOwner: string | null;
}

/** What of a request says from where it comes. */
export interface Origin {
  peerAddress: string;
  forwardedFor: string | undefined;
  forwarded: string | undefined;
}

export interface CallerResolver {
  resolve(origin: Origin, sources: KeySources, epochMs: number): Caller;
  /** The caller behind a key's digest, as a dry run asks for it; undefined if no key has it. */
  ofKey(digest: string, address: string, epochMs: number): Caller | undefined;
  /** Whether a caller resolved earlier from the same origin and sources would be resolved alike now. */
  current(caller: Caller, epochMs: () => number): boolean;
}

function reasonOf(refusal: number): string {
  if (refusal === keyRefusal.disabled) return 'disabled key';
  return refusal === keyRefusal.expired ? 'expired key' : 'unknown key';
}

/** Identity by one policy's key index, trusted proxies and settings. */
export function createCallerResolver(policy: Policy, hash: Hash64): CallerResolver {
  const { snapshot } = policy;
  const keys = createKeyIndexReader(snapshot.keyIndex);
  const resolver = createKeyResolver(snapshot.keyIndex);
  const proxies = createTrustedProxies(snapshot.server.trustedProxies);
  const words = new Uint32Array(2);
  /** By slot: one text for all of a key's connections, so that usage is compared by its address. */
  const keyIds: string[] = [];

  const hashOf = (bytes: Uint8Array): { lo: number; hi: number } => {
    hash(bytes, 0, bytes.length, words);
    return { lo: words[0]!, hi: words[1]! };
  };

  const anonymous = (address: string): Caller => {
    const found = callerOfAddress(address, snapshot.identity.ipv6Prefix);
    const { lo, hi } = found ? hashOf(found.bytes) : { lo: 0, hi: 0 };
    return {
      kind: 'address',
      refusedBecause:
        snapshot.identity.anonymous === 'deny' ? 'no key, and callers without one are denied' : null,
      keySlot: -1,
      keyNumber: -1,
      keyId: noKey,
      keyPrefix: '',
      foundIn: null,
      ruleSet: 0,
      userSlot: -1,
      expires: false,
      address: found?.text ?? address,
      from: address,
      lo,
      hi,
      addressLo: lo,
      addressHi: hi,
      row: -1,
      sharedOwner: null,
    };
  };

  /** Buckets are the key's by its id: both texts of a rotation share them, and a new one begins with no full bucket. */
  const withKey = (base: Caller, slot: number, foundIn: KeyPlace | null): Caller => ({
    ...base,
    ...hashOf(Buffer.from((keyIds[slot] ??= keys.keyId(slot)), 'latin1')),
    kind: 'key',
    refusedBecause: null,
    keySlot: slot,
    keyNumber: keys.keyNumber(slot),
    keyId: keyIds[slot] ?? '',
    keyPrefix: keys.prefix(slot),
    foundIn,
    ruleSet: keys.ruleSet(slot),
    userSlot: keys.userSlot(slot),
    expires: keys.expiresAtMs(slot) !== 0,
  });

  return {
    resolve(origin, sources, epochMs) {
      const base = anonymous(
        proxies.clientAddress(origin.peerAddress, origin.forwardedFor, origin.forwarded),
      );
      const key = presentedKey(sources);
      if (key === undefined) return base;
      const foundIn = keyFoundIn(sources);
      if (key === keyConflict)
        return { ...base, kind: 'unknown', foundIn, refusedBecause: 'two different keys' };
      const slot = resolver.resolve(key, epochMs);
      if (slot >= 0) return withKey(base, slot, foundIn);
      return { ...base, kind: 'unknown', foundIn, refusedBecause: reasonOf(slot) };
    },
    ofKey(digest, address, epochMs) {
      const slot = keys.find(digest);
      if (slot < 0) return undefined;
      const judged = resolver.recheck(slot, '', epochMs);
      const caller = withKey(anonymous(address), slot, null);
      return judged === slot ? caller : { ...caller, refusedBecause: reasonOf(judged) };
    },
    current(caller, epochMs) {
      if (caller.keySlot < 0) return caller.foundIn === null;
      // A slot that is no longer the key's is looked up by a key nobody has: never the same slot.
      return resolver.recheck(caller.keySlot, '', caller.expires ? epochMs() : 0) === caller.keySlot;
    },
  };
}
