import type { NetworkPolicy, PolicySnapshot, UpstreamPolicy } from '../../config/index.ts';
import { type BoardMemory, createHeads, createUpstreamBoard } from '../board.ts';
import { createBreakerWatch } from './breaker-watch.ts';
import { type HealthClock, realClock } from './clock.ts';
import type { HealthEvent, NetworkHealth } from './events.ts';
import { createNetworkWatch, forgetHealth, type NetworkWatch } from './network-watch.ts';
import { createNode, type Node } from './node.ts';

export interface HealthMonitorOptions {
  board: BoardMemory;
  onEvent(event: HealthEvent): void;
  /** For tests. */
  clock?: HealthClock;
  createNode?(policy: UpstreamPolicy, timeoutMs: number): Node;
}

/**
 * Active checks of all upstreams, the heads of all networks and a look at circuit breakers, on main alone. It writes
 * health and heads to the shared board, where workers read them; nothing is sent to workers. The first check of each
 * upstream runs at once.
 */
export interface HealthMonitor {
  /**
   * Begins with a first snapshot, or takes over the next one. To be called before workers get it: what the board says of
   * an upstream's or network's slot then never is of the one before.
   */
  update(snapshot: Pick<PolicySnapshot, 'networks'>): void;
  /** Resolves once each upstream of the networks with a `chain_id` was checked, after `ms` at the latest. */
  firstChecks(ms: number): Promise<void>;
  /** One entry for each network that is checked. */
  state(): NetworkHealth[];
  stop(): Promise<void>;
}

export function createHealthMonitor(options: HealthMonitorOptions): HealthMonitor {
  const { board, clock = realClock } = options;
  const upstreams = createUpstreamBoard(board);
  const breakers = createBreakerWatch(board, clock, options.onEvent);
  const watches = new Map<string, NetworkWatch>();
  /** Who has, or had last, which slot of the board. */
  const networkOwners = new Map<number, string>();
  const upstreamOwners = new Map<number, string>();
  const watchOptions = {
    board,
    clock,
    tell: options.onEvent,
    createNode:
      options.createNode ?? ((policy: UpstreamPolicy, timeoutMs: number) => createNode(policy, timeoutMs)),
  };

  /** A slot that another name has now tells of nobody. */
  const takeOverSlots = (networks: readonly NetworkPolicy[]): void => {
    for (const { name, slot, upstreams: policies } of networks) {
      if (passedOn(networkOwners, slot, name)) createHeads(board, slot).clear();
      for (const each of policies) {
        if (passedOn(upstreamOwners, each.slot, `${name}/${each.name}`)) upstreams.clear(each.slot);
      }
    }
  };

  const unwatch = (name: string): void => {
    void watches.get(name)?.stop();
    watches.delete(name);
  };

  return {
    update({ networks }) {
      const kept = new Set(networks.filter(isChecked).map(({ name }) => name));
      for (const name of watches.keys()) if (!kept.has(name)) unwatch(name);
      takeOverSlots(networks);
      breakers.update(networks);
      for (const network of networks) {
        const watch = watches.get(network.name);
        if (watch !== undefined) watch.update(network);
        else if (kept.has(network.name)) watches.set(network.name, createNetworkWatch(network, watchOptions));
        else forget(network);
      }
    },
    async firstChecks(ms) {
      const due = [...watches.values()].filter((watch) => watch.chainIdIsKnown);
      let callOff = () => {};
      const late = new Promise<void>((resolve) => {
        callOff = clock.after(ms, resolve);
      });
      await Promise.race([late, Promise.all(due.map((watch) => watch.checked()))]);
      callOff();
    },
    state: () => [...watches.values()].map((watch) => watch.state()),
    async stop() {
      breakers.stop();
      const stopped = [...watches.values()].map((watch) => watch.stop());
      watches.clear();
      await Promise.all(stopped);
    },
  };

  /** Not checked, or not any more: nothing is known of it. */
  function forget({ slot, upstreams: policies }: NetworkPolicy): void {
    const heads = createHeads(board, slot);
    if (heads.head >= 0) heads.publish(-1, -1);
    for (const policy of policies) forgetHealth(upstreams, policy.slot);
  }
}

function isChecked({ kind, health }: NetworkPolicy): boolean {
  return health.intervalMs > 0 && (kind === 'ethereum' || health.call !== null);
}

/** Notes whose the slot is; true if it was somebody else's before. */
function passedOn(owners: Map<number, string>, slot: number, name: string): boolean {
  const before = owners.get(slot);
  owners.set(slot, name);
  return before !== undefined && before !== name;
}
