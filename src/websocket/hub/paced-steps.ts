import type { ChainStep } from './chain.ts';
import type { HubClock } from './clock.ts';

/** Steps of a chain in their order, a long one in pieces over several turns of the event loop. */
export interface PacedSteps {
  add(step: ChainStep): void;
  /** What was not told yet is not told any more. */
  clear(): void;
}

/** @param tell is called with at most `blocksATurn` added blocks a turn; those removed come with the first piece */
export function createPacedSteps(
  tell: (step: ChainStep) => void,
  blocksATurn: number,
  clock: HubClock,
): PacedSteps {
  let waiting: ChainStep[] = [];
  let callOff: (() => void) | null = null;

  function tellNext(): void {
    callOff = null;
    const next = waiting.shift();
    if (next === undefined) return;
    if (waiting.length > 0) callOff = clock.after(0, tellNext);
    tell(next);
  }

  return {
    add({ removed, added }) {
      waiting.push({ removed, added: added.slice(0, blocksATurn) });
      for (let from = blocksATurn; from < added.length; from += blocksATurn)
        waiting.push({ removed: [], added: added.slice(from, from + blocksATurn) });
      // Otherwise its turn comes.
      if (callOff === null) tellNext();
    },
    clear() {
      waiting = [];
      callOff?.();
      callOff = null;
    },
  };
}
