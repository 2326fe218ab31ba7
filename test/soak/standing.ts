import type { Sky } from './sky.ts';

/** Whether a key was one that is served, through all its changes. */
export interface Standing {
  /** A change is being asked for. Returns what says that it is done, and what holds from then on. */
  begin(): (known: boolean) => void;
  /** From then on nobody can tell. */
  blur(fromMs: number): void;
  /** What a call in this time finds. */
  during(fromMs: number, toMs: number): 'known' | 'unknown' | 'either';
}

/** Within which a change acts everywhere; the product says a second, this machine is crowded. */
const SETTLE_MS = 3000;
/** From the store's return until what was missed has been read. */
const CATCH_UP_MS = 10_000;

export function createStanding(sky: Sky, known: boolean): Standing {
  const changes: { known: boolean; fromMs: number; toMs: number }[] = [
    { known, fromMs: -Infinity, toMs: -Infinity },
  ];
  /** With the store or a process away it lasts until that is over. */
  const settledMs = ({ fromMs, toMs }: { fromMs: number; toMs: number }): number => {
    const due = toMs + SETTLE_MS;
    const back = Math.max(
      ...(['store', 'process', 'frozen', 'disk', 'clock'] as const).map(
        (one) => sky.endOf(one, fromMs, due) ?? -Infinity,
      ),
    );
    return Math.max(due, back + CATCH_UP_MS);
  };
  let blurredMs = Infinity;
  return {
    begin() {
      const change = { known: changes.at(-1)!.known, fromMs: performance.now(), toMs: Infinity };
      changes.push(change);
      return (now) => {
        // One that changes nothing is none.
        if (changes.at(changes.indexOf(change) - 1)!.known === now)
          changes.splice(changes.indexOf(change), 1);
        else Object.assign(change, { known: now, toMs: performance.now() });
      };
    },
    blur: (fromMs) => {
      blurredMs = Math.min(blurredMs, fromMs);
    },
    during(fromMs, toMs) {
      if (toMs >= blurredMs) return 'either';
      if (changes.some((one) => one.fromMs <= toMs && settledMs(one) >= fromMs)) return 'either';
      return changes.findLast((one) => settledMs(one) < fromMs)!.known ? 'known' : 'unknown';
    },
  };
}
