import { createBanMemory, newStanding, openBans } from '../../admission/index.ts';
import type { PolicySnapshot } from '../../config/index.ts';
import { createKeyIndexReader, digestOfSha256 } from '../../identity/index.ts';
import { createBuckets, createHash64, type LimitsMemory, outcomes } from '../../limits/index.ts';
import { addressRefused, createAdmission } from '../admit.ts';
import { Call, type CallOwner } from '../call.ts';
import { type Caller, createCallerResolver } from '../caller.ts';
import type { CallContext } from '../context.ts';
import { createLimitStage } from '../limit/limit.ts';
import { Policy } from '../policy.ts';
import { classify, createIdentifyStage } from '../stages.ts';

/** A call as a log has it. Texts are '' where the log does not say. */
export interface RecordedCall {
  /** Epoch microseconds at which its request was whole. */
  at: number;
  /** UUID of its key; '' without one. */
  keyId: string;
  /** 8 characters, of a key that is named by no more than that. */
  keyPrefix: string;
  /** '' without one: then it has no ceiling per address, and without a key no owner. */
  address: string;
  network: string;
  method: string;
  /** It was answered without an upstream, so that `limits.charge_cached` is its price. */
  cached: boolean;
  /** It came to nothing after its limits: what the quota counted was given back. */
  failed: boolean;
  /** A ban refused it, which no config has and no replay makes. */
  banned: boolean;
}

/** What the policy makes of it. */
export interface ReplayVerdict {
  /** `key:` and its name in the config, or its prefix or id where the config has none of that id; or its address. */
  caller: string;
  /** Its key is none of the config's. */
  unknownKey: boolean;
  outcome: 'allowed' | 'burst' | 'exceeded' | 'quota' | 'blocked' | 'denied';
  /** Tokens that it took, or would have. */
  cost: number;
  /** Name of the rule that refused it; null if none did. */
  rule: string | null;
  /** Names of the rules in shadow mode that would have refused it. */
  shadows: readonly string[];
  /** Of a call that failed: to be called at its end. */
  giveBack: (() => void) | null;
}

/** Decides recorded calls by a policy, on the clock of the record. */
export interface Replay {
  /** In the order of their times; undefined where the config has no such network. One that goes back is decided like a worker's whose clock stands behind: it refills nothing. */
  decide(call: RecordedCall): ReplayVerdict | undefined;
}

/** The rule of calls that a ban refused in the record. */
export const BANNED_THEN = 'address banned in the log';

/** Callers remembered; the same buckets are found again for one that was forgotten. */
const CALLERS_MAX = 65_536;
const noNames: readonly string[] = [];

/**
 * The workers' own stages over buckets of their own: nothing of how a limit is chosen or counted is written a second time. All
 * buckets begin full and quotas unused.
 *
 * @param keys of the config that the snapshot is of
 */
export function createReplay(
  snapshot: PolicySnapshot,
  limits: LimitsMemory,
  keys: readonly { name: string; sha256: Uint8Array }[],
): Replay {
  const hash = createHash64(limits.seed);
  const policy = new Policy(snapshot, hash);
  const resolver = createCallerResolver(policy, hash);
  const index = createKeyIndexReader(snapshot.keyIndex);
  const networks = new Map(snapshot.networks.map(({ name }, at) => [name, at]));
  let nowMicros = 0;
  // The config's own lists; bans are those that the record tells of.
  const admission = createAdmission(openBans(createBanMemory(1, limits.seed)), () => {});
  const identify = createIdentifyStage(admission);
  const limit = createLimitStage({
    buckets: createBuckets(limits, 1),
    epochMs: () => Math.floor(nowMicros / 1000),
    now: () => nowMicros,
  });

  const digests = new Map<string, { digest: string; name: string }>();
  const byPrefix = new Map<string, string | null>();
  for (const { name, sha256 } of keys) {
    const digest = digestOfSha256(sha256);
    const slot = index.find(digest);
    if (slot < 0) continue;
    const id = index.keyId(slot);
    digests.set(id, { digest, name });
    byPrefix.set(index.prefix(slot), byPrefix.has(index.prefix(slot)) ? null : id);
  }

  const words = new Uint32Array(2);
  const addressOrigin = (address: string) => ({
    // An IPv6 network stands for all of its addresses.
    peerAddress: address.split('/', 1)[0] ?? '',
    forwardedFor: undefined,
    forwarded: undefined,
  });

  /** A key that the config does not have: limited like one without limits of its own. */
  function strangeKey(base: Caller, id: string): Caller {
    const bytes = Buffer.from(id, 'latin1');
    hash(bytes, 0, bytes.length, words);
    return { ...base, kind: 'key', refusedBecause: null, keyId: id, lo: words[0]!, hi: words[1]! };
  }

  interface Known {
    caller: Caller;
    name: string;
    unknownKey: boolean;
    contexts: (CallContext | undefined)[];
  }
  const known = new Map<string, Known>();

  function resolve({ keyId, keyPrefix, address }: RecordedCall): Known {
    const base = resolver.resolve(addressOrigin(address), {}, 0);
    const id = keyId !== '' ? keyId : keyPrefix === '' ? '' : (byPrefix.get(keyPrefix) ?? keyPrefix);
    if (id === '') return { caller: base, name: base.address, unknownKey: false, contexts: [] };
    const own = digests.get(id);
    const caller = own && resolver.ofKey(own.digest, base.from, Math.floor(nowMicros / 1000));
    if (own !== undefined && caller !== undefined)
      return { caller, name: `key:${own.name}`, unknownKey: false, contexts: [] };
    const name = `key:${keyPrefix === '' ? id : keyPrefix}`;
    return { caller: strangeKey(base, id), name, unknownKey: true, contexts: [] };
  }

  function callerOf(recorded: RecordedCall): Known {
    const text = `${recorded.keyId} ${recorded.keyPrefix} ${recorded.address}`;
    let found = known.get(text);
    if (found !== undefined && !found.caller.expires) return found;
    found = resolve(recorded);
    if (known.size >= CALLERS_MAX) known.clear();
    known.set(text, found);
    return found;
  }

  const ownerOf = (context: CallContext): CallOwner => ({
    context,
    request: 0,
    callerRequestId: undefined,
    startedAt: nowMicros,
    session: null,
    afterAnswer: () => {},
    errorText: () => '',
    ended: () => {},
  });

  /** Bans are made by hand and by what callers do, not by the config; its allow-list frees from them, and so does simulating them. */
  function stillBanned(call: Call): boolean {
    if (snapshot.blocklist.mode !== 'enforce' || !admission.counts(call.context)) return false;
    call.refuse('forbidden', BANNED_THEN, addressRefused);
    return true;
  }

  return {
    decide(recorded) {
      const network = recorded.network === '' ? 0 : networks.get(recorded.network);
      if (network === undefined) return undefined;
      nowMicros = recorded.at;
      const { caller, name, unknownKey, contexts } = callerOf(recorded);
      const context = (contexts[network] ??= {
        ...{ policy, caller, network, socketId: null, corsLines: '' },
        standing: newStanding(),
        lane: 'fast',
      });
      const call = new Call(ownerOf(context), -1, 0);
      call.method = recorded.method;
      const admitted = identify(call) && admission.admit(call) && !(recorded.banned && stillBanned(call));
      const passed = admitted && classify(call) && price(call, recorded.cached) && limit.limit(call);
      const { reading } = call;
      return {
        caller: name,
        unknownKey,
        outcome: passed ? (call.outcome === outcomes.burst ? 'burst' : 'allowed') : refusalOf(call),
        cost: call.cost,
        rule: passed ? null : ruleOf(call),
        shadows: reading === null || reading.shadowRefused === 0 ? noNames : shadowsOf(call),
        giveBack: passed && recorded.failed && call.charged ? () => limit.refund(call) : null,
      };
    },
  };
}

function price(call: Call, cached: boolean): boolean {
  const share = call.context.policy.snapshot.chargeCached;
  if (share < 1 && cached) call.cost = Math.ceil(call.cost * share);
  return true;
}

function refusalOf(call: Call): ReplayVerdict['outcome'] {
  if (call.refusal === 'unauthorized' || call.refusal === 'forbidden') return 'denied';
  if (call.refusal === 'method_blocked') return 'blocked';
  return call.outcome === outcomes.quota ? 'quota' : 'exceeded';
}

function ruleOf(call: Call): string | null {
  const { refusal } = call;
  if (refusal === 'unauthorized' || refusal === 'forbidden' || refusal === 'method_blocked')
    return call.reason;
  if (call.outcome === outcomes.quota) return 'quota';
  // The first that refused, as the answer names it.
  const link = Math.log2(call.reading!.refused & -call.reading!.refused);
  return call.plan!.links[link]!.rule.name;
}

function shadowsOf(call: Call): string[] {
  const { links, shadows } = call.plan!;
  return shadows
    .filter((_, at) => ((call.reading!.shadowRefused >> (links.length + at)) & 1) === 1)
    .map(({ rule }) => rule.name);
}
