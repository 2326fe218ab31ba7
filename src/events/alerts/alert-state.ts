import type { AlertCondition } from '../../config/index.ts';

/** What became of an alert with a reading. Times are milliseconds of the caller’s clock. */
export type AlertChange =
  | { kind: 'firing'; value: number; sinceMs: number }
  /** `value` null: not known. */
  | { kind: 'resolved'; value: number | null; firedMs: number };

/** One alert over time. A condition holds, holds long enough, and no longer holds: there is no hysteresis. */
export interface AlertState {
  /** null: the metric says nothing now, and the condition does not hold. `atMs` never falls. */
  read(value: number | null, atMs: number): AlertChange | null;
  /** It is taken away: what fires is over. */
  end(atMs: number): AlertChange | null;
}

export function createAlertState({ comparison, threshold, forMs }: AlertCondition): AlertState {
  /** Since when it has held without a break; null: it does not. */
  let sinceMs: number | null = null;
  let firingMs: number | null = null;
  let last: number | null = null;

  function over(atMs: number): AlertChange | null {
    sinceMs = null;
    if (firingMs === null) return null;
    const firedMs = atMs - firingMs;
    firingMs = null;
    return { kind: 'resolved', value: last, firedMs };
  }

  return {
    read(value, atMs) {
      last = value;
      if (value === null || !holds[comparison](value, threshold)) return over(atMs);
      sinceMs ??= atMs;
      if (firingMs !== null || atMs - sinceMs < forMs) return null;
      firingMs = atMs;
      return { kind: 'firing', value, sinceMs };
    },
    end: over,
  };
}

const holds: Record<AlertCondition['comparison'], (value: number, threshold: number) => boolean> = {
  '>': (value, threshold) => value > threshold,
  '>=': (value, threshold) => value >= threshold,
  '<': (value, threshold) => value < threshold,
  '<=': (value, threshold) => value <= threshold,
};
