import type { NetworkPolicy } from '../../config/index.ts';
import { type BoardMemory, createUpstreamBoard } from '../board.ts';
import type { HealthClock } from './clock.ts';
import type { HealthEvent } from './events.ts';

/** Breakers open for seconds, so none is missed; looking costs a few microseconds. */
const LOOK_EVERY_MS = 250;

/** Looks at the board for circuit breakers that workers opened or closed. */
export interface BreakerWatch {
  update(networks: readonly NetworkPolicy[]): void;
  stop(): void;
}

export function createBreakerWatch(
  memory: BoardMemory,
  clock: HealthClock,
  tell: (event: HealthEvent) => void,
): BreakerWatch {
  const board = createUpstreamBoard(memory);
  let watched: { network: string; upstream: string; slot: number }[] = [];
  let states = new Map<string, string>();
  let callOff = () => {};

  const look = (): void => {
    const before = states;
    states = new Map();
    for (const { network, upstream, slot } of watched) {
      const { state } = board.breaker(slot);
      const name = `${network}/${upstream}`;
      states.set(name, state);
      if (state !== (before.get(name) ?? 'closed')) tell({ type: 'breaker', network, upstream, state });
    }
    callOff = clock.after(LOOK_EVERY_MS, look);
  };

  callOff = clock.after(LOOK_EVERY_MS, look);
  return {
    update(networks) {
      watched = networks.flatMap(({ name, upstreams }) =>
        upstreams.map((each) => ({ network: name, upstream: each.name, slot: each.slot })),
      );
    },
    stop: () => callOff(),
  };
}
