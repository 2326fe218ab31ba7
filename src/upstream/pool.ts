import type { UpstreamPolicy } from '../config/index.ts';
import type { Upstream, UpstreamCall, UpstreamDeps, UpstreamObserver, UpstreamStats } from './call.ts';
import { requestHead } from './request-head.ts';
import { createUpstream } from './upstream.ts';

/** The upstreams of one network. */
export interface UpstreamPool {
  /** As {@link Upstream.send}, through the upstream chosen for this call. */
  send(call: UpstreamCall): void;
  /** The upstream a call sent now would go to. */
  chosen(): Upstream;
  /**
   * Takes over a network's new upstreams between two calls. One of the same name stays, with its
   * connections; one that is gone closes after its calls, for up to `graceMs` milliseconds.
   */
  update(policies: UpstreamPolicy[], graceMs: number): void;
  /** Closes all of them; see {@link Upstream.close}. */
  close(graceMs: number): Promise<void>;
  stats(): UpstreamStats[];
}

const passingOn: UpstreamObserver = {
  answered(_upstream, call, bytes, { start, end, idStart, idEnd, errorStart }) {
    call.answered(bytes, start, end, idStart, idEnd, errorStart >= 0);
  },
  failed(_upstream, call, failure) {
    call.failed(failure);
  },
};

/** @throws TypeError for an empty list, or for headers that cannot be sent */
export function createUpstreamPool(
  policies: UpstreamPolicy[],
  given: Omit<UpstreamDeps, 'observer'>,
): UpstreamPool {
  const deps: UpstreamDeps = { ...given, observer: passingOn };
  let upstreams = policies.map((policy) => createUpstream(policy, deps));
  let chosen = choose(upstreams);
  /** Upstreams no longer configured that still have calls under way. */
  const leaving = new Set<Promise<void>>();

  function leave(upstream: Upstream, graceMs: number): void {
    const gone = upstream.close(graceMs).then(() => void leaving.delete(gone));
    leaving.add(gone);
  }

  return {
    send(call) {
      call.via = chosen.policy.index;
      call.attempts = 0;
      chosen.send(call);
    },
    chosen: () => chosen,
    update(policies, graceMs) {
      const before = new Map(upstreams.map((upstream) => [upstream.policy.name, upstream]));
      const created = policies.map((policy) => before.get(policy.name) ?? createUpstream(policy, deps));
      const first = choose(created);
      // All of them are checked before one is changed.
      for (const policy of policies) requestHead(policy, deps.instanceId);
      for (const policy of policies) before.get(policy.name)?.update(policy);
      upstreams = created;
      chosen = first;
      for (const upstream of before.values()) if (!created.includes(upstream)) leave(upstream, graceMs);
    },
    async close(graceMs) {
      await Promise.all([...upstreams.map((upstream) => upstream.close(graceMs)), ...leaving]);
    },
    stats: () => upstreams.map((upstream) => upstream.stats()),
  };
}

/** One upstream a network for now: the first. Health, latency and what a call needs will be weighed here. */
function choose(upstreams: Upstream[]): Upstream {
  const first = upstreams[0];
  if (first === undefined) throw new TypeError('a network needs an upstream');
  return first;
}
