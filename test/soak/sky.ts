/** What is the matter with what a gateway stands on. */
export type Trouble =
  /** One of several nodes is no good. */
  | 'node'
  /** None of them is any good. */
  | 'nodes'
  /** One sends answers beyond `max_response_bytes`: their callers are told, and no other node is asked. */
  | 'oversized'
  | 'worker'
  | 'process'
  /** It stands still, and goes on. */
  | 'frozen'
  | 'redis'
  | 'redis-loss'
  | 'store'
  | 'disk'
  | 'clock';

interface Spell {
  trouble: Trouble;
  fromMs: number;
  /** Infinity while it lasts. */
  toMs: number;
}

/** When what was the matter, so that whoever judges an answer knows what may have brought it about. Times are `performance.now()`. */
export interface Sky {
  /** Returns what ends it. Effects that last on for `tailMs` count as part of it. */
  begin(trouble: Trouble, tailMs?: number): () => void;
  /** Whether it was so at any time from `fromMs` to `toMs`. */
  during(trouble: Trouble, fromMs: number, toMs: number): boolean;
  /** The end of the spells that reach into this time; Infinity while one lasts, undefined where there is none. */
  endOf(trouble: Trouble, fromMs: number, toMs: number): number | undefined;
  /** How often. */
  count(trouble: Trouble): number;
  /** How long in all, in milliseconds. */
  lengthMs(trouble: Trouble): number;
}

export function createSky(): Sky {
  const spells: Spell[] = [];
  const overlapping = (trouble: Trouble, fromMs: number, toMs: number): Spell[] =>
    spells.filter((spell) => spell.trouble === trouble && spell.fromMs <= toMs && spell.toMs >= fromMs);
  return {
    begin(trouble, tailMs = 0) {
      const spell = { trouble, fromMs: performance.now(), toMs: Infinity };
      spells.push(spell);
      return () => {
        spell.toMs = performance.now() + tailMs;
      };
    },
    during: (trouble, fromMs, toMs) => overlapping(trouble, fromMs, toMs).length > 0,
    endOf(trouble, fromMs, toMs) {
      const found = overlapping(trouble, fromMs, toMs);
      return found.length === 0 ? undefined : Math.max(...found.map((spell) => spell.toMs));
    },
    count: (trouble) => spells.filter((spell) => spell.trouble === trouble).length,
    lengthMs: (trouble) =>
      spells
        .filter((spell) => spell.trouble === trouble)
        .reduce((sum, { fromMs, toMs }) => sum + Math.min(toMs, performance.now()) - fromMs, 0),
  };
}
