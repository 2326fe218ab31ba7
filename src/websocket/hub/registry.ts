import type { SocketAbout } from '../messages.ts';

/** One subscription of a socket, as the hub knows it. */
export interface RegisteredSubscription {
  readonly kind: string;
  readonly feed: number;
}

export interface RegisteredSocket {
  readonly worker: number;
  readonly socket: number;
  readonly about: SocketAbout;
  /** By the worker's `ask`. Those that are still being asked for upstream have their place, with feed 0. */
  readonly subscriptions: Map<number, RegisteredSubscription>;
}

/** Every open socket of all workers, and how many each caller has: exact, since main alone counts. */
export interface Registry {
  /** False: the caller has `max` sockets already. 0: no bound. */
  open(worker: number, socket: number, about: SocketAbout, max: number): boolean;
  find(worker: number, socket: number): RegisteredSocket | undefined;
  /** Takes it out; undefined if it is not there. */
  close(worker: number, socket: number): RegisteredSocket | undefined;
  /** Takes out all of a worker's. */
  dropWorker(worker: number): RegisteredSocket[];
  /** False: its caller has `max` subscriptions already. */
  subscribe(owner: RegisteredSocket, ask: number, subscription: RegisteredSubscription, max: number): boolean;
  unsubscribe(owner: RegisteredSocket, ask: number): RegisteredSubscription | undefined;
  all(): Iterable<RegisteredSocket>;
  readonly size: number;
}

export function createRegistry(): Registry {
  const byWorker = new Map<number, Map<number, RegisteredSocket>>();
  const socketsOf = createTally();
  const subscriptionsOf = createTally();
  let size = 0;

  function close(worker: number, socket: number): RegisteredSocket | undefined {
    const sockets = byWorker.get(worker);
    const found = sockets?.get(socket);
    if (sockets === undefined || found === undefined) return undefined;
    sockets.delete(socket);
    if (sockets.size === 0) byWorker.delete(worker);
    size--;
    const { caller } = found.about;
    socketsOf.add(caller, -1);
    subscriptionsOf.add(caller, -found.subscriptions.size);
    return found;
  }

  return {
    get size() {
      return size;
    },
    open(worker, socket, about, max) {
      if (max > 0 && socketsOf.of(about.caller) >= max) return false;
      let sockets = byWorker.get(worker);
      if (sockets === undefined) byWorker.set(worker, (sockets = new Map<number, RegisteredSocket>()));
      sockets.set(socket, { worker, socket, about, subscriptions: new Map() });
      socketsOf.add(about.caller, 1);
      size++;
      return true;
    },
    find: (worker, socket) => byWorker.get(worker)?.get(socket),
    close,
    dropWorker(worker) {
      const sockets = [...(byWorker.get(worker)?.keys() ?? [])];
      return sockets.flatMap((socket) => close(worker, socket) ?? []);
    },
    subscribe(owner, ask, subscription, max) {
      const { caller } = owner.about;
      if (!owner.subscriptions.has(ask)) {
        if (max > 0 && subscriptionsOf.of(caller) >= max) return false;
        subscriptionsOf.add(caller, 1);
      }
      owner.subscriptions.set(ask, subscription);
      return true;
    },
    unsubscribe(owner, ask) {
      const found = owner.subscriptions.get(ask);
      if (found === undefined) return undefined;
      owner.subscriptions.delete(ask);
      subscriptionsOf.add(owner.about.caller, -1);
      return found;
    },
    *all() {
      for (const sockets of byWorker.values()) yield* sockets.values();
    },
  };
}

/** Counts by name; what is 0 takes no memory. */
function createTally(): { of(name: string): number; add(name: string, change: number): void } {
  const counts = new Map<string, number>();
  return {
    of: (name) => counts.get(name) ?? 0,
    add(name, change) {
      const count = (counts.get(name) ?? 0) + change;
      if (count === 0) counts.delete(name);
      else counts.set(name, count);
    },
  };
}
