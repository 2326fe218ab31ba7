import type { NetworkPolicy } from '../config/index.ts';
import { Flight } from './flight.ts';
import { type FlightDeps, Flights } from './flights.ts';
import { keyOf, lastKey } from './key.ts';
import { found, keeping, keepingOf, lifetimeOf, lifetimes, type Stamp } from './lifetime.ts';
import { createMemoryStore, type MemoryStore, type StoreStats } from './memory-store.ts';
import { createPlans, type Plan } from './plans.ts';
import type { AnswerCall, ChainView, SharedStore } from './ports.ts';
import { notNull, resultAt } from './result.ts';
import { noSharedStats, SharedLevel, type SharedStats } from './shared-level.ts';
import { KeptAnswer, keptSize } from './kept-answer.ts';

/** Totals since it was made; see also {@link StoreStats}. */
export interface AnswerStats extends StoreStats, SharedStats {
  /** Calls answered from the cache. */
  hits: number;
  /** Calls whose answer might have been kept or shared, and that went to an upstream. */
  misses: number;
  /** Calls that joined one under way. */
  joined: number;
}

export interface AnswerDeps<Trace> extends FlightDeps<Trace> {
  chain: ChainView;
  /** Secret, so that nobody chooses params that take one another's place. */
  seed: number;
  /**
   * The latest block that the upstream of this index (`via`) is known to have; -1 where active checks did not find it
   * sound, whose answers are not kept.
   */
  upstreamHead: (via: number) => number;
  /** Where policies may share answers with other instances; null: nowhere. */
  shared: SharedStore | null;
  /** A call is about to be told an answer of the shared ones, which was not known to {@link AnswerRoom.holds}. */
  foundShared: (call: AnswerCall<Trace>) => void;
}

/** Answers of one network in one worker: those kept, and those under way. */
export interface AnswerRoom<Trace> {
  /**
   * Answers the call, at once if it can, or sends it on. It is told exactly once how it ended. An unsafe call and a
   * notification go to the pool as they are.
   */
  send(call: AnswerCall<Trace>): void;
  /** Would `send`, called next, ask no upstream? Costs the look that `send` then saves. */
  holds(call: AnswerCall<Trace>): boolean;
  /** Between two calls. Other upstreams, another chain or other rules forget all that was kept. */
  update(policy: NetworkPolicy): void;
  stats(): AnswerStats;
}

/** Keys longer than this are not made: hashing them costs more than most calls. */
const KEY_BYTES_MAX = 64 * 1024;

const noBounds = { maxBytes: 0, maxEntryBytes: 0 };

/**
 * What holds of every answer that did not come from an upstream for this very call:
 * - Its method and its params are those of the call, to the byte but for white space; its id is the call's own.
 * - It was a result, not null. What depends on the head was read from an upstream that had the head, and since then no head
 *   was seen to move, nobody was told a higher block number, no transaction passed, and at most `headTtlMs` went by.
 *   What was kept of a block's height is final, or names its block by hash, and no reorg was seen from that height or below.
 */
export function createAnswerRoom<Trace>(first: NetworkPolicy, deps: AnswerDeps<Trace>): AnswerRoom<Trace> {
  const { chain } = deps;
  let policy = first;
  let planOf = createPlans(policy, deps.seed);
  const store: MemoryStore = createMemoryStore(policy.cache ?? noBounds);
  const totals = { hits: 0, misses: 0, joined: 0 };
  const sharedStats = noSharedStats();
  /** Counts the policies under which other answers might be given. */
  let generation = 0;
  const headsOf = ({ upstreams }: NetworkPolicy): number[] =>
    upstreams.map((_, via) => deps.upstreamHead(via));
  let stamp = stampOf(chain, headsOf(policy));
  let level = levelOf(policy);

  function levelOf(next: NetworkPolicy): SharedLevel<Trace> | null {
    const store = deps.shared;
    if (store === null || !next.cache?.shared) return null;
    return new SharedLevel(next, identityOf(next), {
      ...{ store, chain, send: deps.send, now: deps.now, stats: sharedStats },
    });
  }

  /** Drops what the chain's moves since the last look made doubtful. */
  function look(): Stamp {
    if (chain.epoch === stamp.epoch && chain.served === stamp.served) return stamp;
    const { reorgs: before, finalized } = stamp;
    stamp = stampOf(chain, headsOf(policy));
    const from = chain.reorgFrom;
    const { reorgs } = stamp;
    if (reorgs === before) store.moved();
    // Of several reorgs only the last one's height is known.
    else if (reorgs === before + 1 && chain.reorgs === reorgs && from > 0) {
      store.reorged(from);
      level?.reorged(from, finalized);
    } else {
      // From the first block on: not the same chain any more, perhaps.
      store.clear();
      level?.reorged(0, finalized);
    }
    return stamp;
  }

  /** The latest block an upstream had when a call was sent to it, and still has. */
  function upstreamHead(via: number, sent: Stamp): number {
    const head = deps.upstreamHead(via);
    // It has caught up: that holds for calls sent from now on.
    if (head > (stamp.heads[via] ?? -1)) stamp = { ...stamp, heads: headsOf(policy) };
    return Math.min(sent.heads[via] ?? -1, head);
  }

  const flights = new Flights<Trace>(deps, {
    stamp: look,
    timeoutMs: () => policy.timeoutMs,
    keep(flight, bytes, start, end, idStart, idEnd, resultStart) {
      const { cache } = policy;
      // Of another policy: its upstream is a number in another list, its rules may be others.
      if (flight.generation !== generation) return null;
      if (cache === null) return null;
      const size = keptSize(flight.key, start, end);
      if (size > cache.maxEntryBytes) return null;
      const welcome = store.welcomes(flight.hash, size);
      if (!welcome && level === null) return null;
      const result = resultStart < 0 ? resultAt(bytes, start, end) : notNull(bytes, resultStart);
      const how = keepingOf(flight, bytes, result, end, look(), upstreamHead(flight.via, flight.stamp));
      if (how === keeping.no) return null;
      const withHead = how === keeping.head;
      const bounded = withHead || flight.lifetime === lifetimes.time;
      const { keepMicros } = flight.plan;
      if (bounded && keepMicros === 0) return null;
      const until = bounded ? flight.askedAt + keepMicros : Number.POSITIVE_INFINITY;
      const height = until === Number.POSITIVE_INFINITY && bounded ? -1 : found.height;
      const kept = new KeptAnswer(flight.key, flight.hash, bytes, start, end, idStart, idEnd, {
        until,
        height,
        withHead,
      });
      if (welcome) store.keep(kept);
      if (!withHead) level?.put(flight as Flight<Trace>, kept);
      return kept.bytes === null ? kept : null;
    },
    found(call) {
      call.source = 'shared';
      deps.foundShared(call as AnswerCall<Trace>);
    },
  });

  /** Looks whether other instances keep the answer; false: there is no use in it. */
  function leadShared(flight: Flight<Trace>, among: SharedLevel<Trace>): boolean {
    return flights.leadAfter(flight, policy.coalesce, (then) =>
      among.find(flight, (kept) => {
        // As with an answer of an upstream: of another policy, or from before a reorg.
        const holds = flight.generation === generation && look().reorgs === flight.stamp.reorgs;
        if (kept !== null && holds && store.welcomes(kept.hash, kept.size)) store.keep(kept);
        then(holds ? kept : null);
      }),
    );
  }

  /** The last look's call, what was found of it, and the key. */
  let lookedFor: AnswerCall<Trace> | null = null;
  let plan: Plan | null = null;
  let key = '';
  let hash = 0;

  function find(call: AnswerCall<Trace>): KeptAnswer | undefined {
    return policy.cache === null ? undefined : store.find(key, hash, call.startedAt);
  }

  function prepare(call: AnswerCall<Trace>): boolean {
    plan = call.safe && call.idStart >= 0 ? planOf(call.method) : null;
    if (plan === null || call.paramsEnd - call.paramsStart > KEY_BYTES_MAX) return false;
    key = keyOf(call.method, call.bytes, call.paramsStart, call.paramsEnd, plan.seed);
    hash = lastKey.hash;
    look();
    return true;
  }

  function lead(call: AnswerCall<Trace>, plan: Plan): void {
    found.height = -1;
    const { fact } = plan;
    const lifetime =
      fact === null ? lifetimes.time : lifetimeOf(fact, call.bytes, call.paramsStart, call.paramsEnd, stamp);
    if (lifetime === lifetimes.never) {
      deps.send(call);
      return;
    }
    totals.misses++;
    const sent = { lifetime, height: found.height, stamp, askedAt: call.startedAt, generation, spare: null };
    const flight = new Flight(flights, call, key, hash, plan, sent);
    if (level === null || !leadShared(flight, level)) flights.lead(flight, policy.coalesce);
  }

  return {
    send(call) {
      const looked = lookedFor === call;
      lookedFor = null;
      if (looked ? plan === null : !prepare(call)) {
        deps.send(call);
        return;
      }
      // It may have waited for its limits in between.
      if (looked) look();
      const kept = find(call);
      if (kept !== undefined) {
        totals.hits++;
        call.source = 'cache';
        if (kept.bytes === null) call.answeredText(kept.before, kept.after, false);
        else call.answered(kept.bytes, 0, kept.bytes.length, kept.idStart, kept.idEnd, false);
        return;
      }
      const flight = flights.find(key, hash, stamp);
      if (flight === undefined) {
        lead(call, plan!);
      } else {
        totals.joined++;
        flights.join(flight, call);
      }
    },
    holds(call) {
      lookedFor = call;
      if (!prepare(call)) {
        plan = null;
        return false;
      }
      return find(call) !== undefined || flights.find(key, hash, stamp) !== undefined;
    },
    update(next) {
      const { cache } = next;
      if (sameAnswers(policy, next)) {
        if (cache !== null) store.setBounds(cache);
      } else {
        generation++;
        flights.shut();
        store.clear();
        store.setBounds(cache ?? noBounds);
      }
      if (level === null || !cache?.shared) level = levelOf(next);
      else level.update(next, identityOf(next));
      policy = next;
      stamp = { ...stamp, heads: headsOf(next) };
      planOf = createPlans(next, deps.seed);
      lookedFor = null;
    },
    stats: () => ({ ...totals, ...store.stats(), ...sharedStats }),
  };
}

/** The epoch first: it changes after all else has. */
function stampOf(chain: ChainView, heads: number[]): Stamp {
  const { epoch } = chain;
  return {
    epoch,
    reorgs: chain.reorgs,
    served: chain.served,
    head: chain.head,
    finalized: chain.finalized,
    heads,
  };
}

/** Does what was kept under one policy hold under the other? */
function sameAnswers(one: NetworkPolicy, other: NetworkPolicy): boolean {
  return JSON.stringify(originOf(one)) === JSON.stringify(originOf(other));
}

/** What answers depend on beside the call; the same in all instances. */
function identityOf(policy: NetworkPolicy): string {
  return JSON.stringify([policy.name, originOf(policy)]);
}

function originOf({ kind, chainId, upstreams, cache }: NetworkPolicy): unknown {
  const nodes = upstreams.map(({ host, port, path, tls }) => [host, port, path, tls]);
  if (cache === null) return [kind, chainId, nodes];
  const { methods, headTtlMs, finalityDepth } = cache;
  // Infinity is no JSON.
  const rules = methods.map(({ pattern, ttlMs }) => [pattern, `${ttlMs}`]);
  return [kind, chainId, nodes, rules, headTtlMs, finalityDepth];
}
