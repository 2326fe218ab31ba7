import type { NetworkPolicy, UpstreamPolicy } from '../../config/index.ts';
import {
  type BoardMemory,
  createHeads,
  createNode,
  createUpstreamBoard,
  health,
  type Node,
} from '../../upstream/index.ts';
import type { HubClock } from './clock.ts';
import { type NodeSocket, openNodeSocket } from './node-socket.ts';

/** What an upstream says of itself on the shared board: may it be listened to? */
export type Standing = 'fit' | 'behind' | 'down';

/** The upstreams of one network as the hub sees them. */
export interface Nodes {
  readonly network: NetworkPolicy;
  update(network: NetworkPolicy): void;
  /** Fit ones first, of these primaries, then in the order of the config; `first` before all. */
  inOrder(first?: string): UpstreamPolicy[];
  find(name: string): UpstreamPolicy | undefined;
  standing(upstream: UpstreamPolicy): Standing;
  /** Of the network, as health checks have it; -1 where unknown. */
  readonly head: number;
  /** Asks one upstream over HTTP. undefined: it did not answer, or with an error. `params` is JSON text. */
  ask(upstream: UpstreamPolicy, method: string, params: string): Promise<unknown>;
  /** Its one WebSocket, opened where there is none. Rejects with an Error that names no credential. */
  socket(upstream: UpstreamPolicy): Promise<NodeSocket>;
  /** Closes it where nobody uses it any more: after `lingerMs`, in which it may be wanted again, or at once. */
  release(socket: NodeSocket, when?: 'later' | 'at once'): void;
  close(): Promise<void>;
}

/** Of a block with all its logs. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

interface Known {
  policy: UpstreamPolicy;
  node: Node | null;
  socket: Promise<NodeSocket> | null;
  users: number;
  /** Calls off the close of a socket that nobody uses. */
  keep: () => void;
}

const unused = { node: null, socket: null, users: 0, keep: (): void => {} };

export function createNodes(
  first: NetworkPolicy,
  options: { board: BoardMemory; clock: HubClock; lingerMs: number },
): Nodes {
  const board = createUpstreamBoard(options.board);
  let network = first;
  let heads = createHeads(options.board, first.slot);
  let byName = new Map<string, Known>();
  const opened = new Map<NodeSocket, Known>();

  const timeoutMs = (): number => Math.max(1000, network.health.timeoutMs);

  function standing({ slot }: UpstreamPolicy): Standing {
    // Without checks nothing is known, and all are fit.
    if (network.health.intervalMs === 0) return 'fit';
    if (board.health(slot) === health.down) return 'down';
    const known = board.head(slot);
    return known >= 0 && heads.head - known > network.maxBlockLag ? 'behind' : 'fit';
  }

  function take(policy: UpstreamPolicy, before: Known | undefined): Known {
    if (before === undefined) return { policy, ...unused };
    const same = addressOf(before.policy) === addressOf(policy);
    if (same) {
      before.node?.update(policy, timeoutMs());
      before.policy = policy;
      return before;
    }
    leave(before);
    return { policy, ...unused };
  }

  function leave(known: Known): void {
    known.keep();
    void known.node?.close();
    void known.socket?.then((socket) => socket.close()).catch(() => {});
  }

  function update(next: NetworkPolicy): void {
    network = next;
    heads = createHeads(options.board, next.slot);
    const before = byName;
    byName = new Map(next.upstreams.map((policy) => [policy.name, take(policy, before.get(policy.name))]));
    for (const [name, known] of before) if (!byName.has(name)) leave(known);
  }
  update(first);

  const rank = (upstream: UpstreamPolicy): number =>
    (standing(upstream) === 'fit' ? 0 : standing(upstream) === 'behind' ? 2 : 4) +
    (upstream.tier === 'primary' ? 0 : 1);

  async function open(known: Known): Promise<NodeSocket> {
    const socket = await openNodeSocket(known.policy, timeoutMs(), options.clock);
    opened.set(socket, known);
    socket.onceClosed(() => {
      opened.delete(socket);
      known.keep();
      known.socket = null;
      known.users = 0;
    });
    return socket;
  }

  return {
    update,
    standing,
    get network() {
      return network;
    },
    get head() {
      return heads.head;
    },
    find: (name) => byName.get(name)?.policy,
    inOrder: (name) =>
      [...network.upstreams].sort(
        (a, b) => Number(b.name === name) - Number(a.name === name) || rank(a) - rank(b),
      ),
    async ask({ name }, method, params) {
      const known = byName.get(name);
      if (known === undefined) return undefined;
      known.node ??= createNode(known.policy, timeoutMs(), ANSWER_BYTES_MAX);
      const told = await known.node.ask(method, params);
      return told.kind === 'result' ? told.value : undefined;
    },
    async socket({ name }) {
      const known = byName.get(name);
      if (known === undefined) throw new Error('it is gone');
      known.users++;
      known.keep();
      known.socket ??= open(known);
      try {
        return await known.socket;
      } catch (error) {
        known.socket = null;
        known.users = 0;
        throw error;
      }
    },
    release(socket, when = 'later') {
      const known = opened.get(socket);
      if (known === undefined || --known.users > 0) return;
      known.keep();
      if (when === 'at once') socket.close();
      else known.keep = options.clock.after(options.lingerMs, () => socket.close());
    },
    async close() {
      const all = [...byName.values()];
      for (const { socket } of all) socket?.then((open) => open.close()).catch(() => {});
      await Promise.all(all.flatMap(({ node }) => (node === null ? [] : [node.close()])));
    },
  };
}

/** An upstream that has another of these is another node. */
function addressOf({ url, path, ws, ca, authorization, headers }: UpstreamPolicy): string {
  return JSON.stringify([url, path, ws, ca, authorization, headers]);
}
