/** One measured figure beside what it shall be. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** Bound of the value; `null`: shown, not judged. */
  target: { atMost: number } | { atLeast: number } | null;
  /** What is hoped for beyond the target. */
  aim?: number;
  /** What the reader must know beside it. */
  note?: string;
}

export type Verdict = 'pass' | 'miss' | '';

export function verdict({ value, target }: Figure): Verdict {
  if (target === null) return '';
  const within = 'atMost' in target ? value <= target.atMost : value >= target.atLeast;
  return within ? 'pass' : 'miss';
}

/** `≤ 1.10` or `≥ 50,000`; empty without a target. */
export function describeTarget({ target, unit }: Figure): string {
  if (target === null) return '';
  return 'atMost' in target ? `≤ ${format(target.atMost, unit)}` : `≥ ${format(target.atLeast, unit)}`;
}

/** A number as it is read best in its unit. */
export function format(value: number, unit: string): string {
  if (Number.isNaN(value)) return '–';
  if (unit.startsWith('×')) return value.toFixed(2);
  if (unit === 'µs/request' || unit === 'KB') return value.toFixed(1);
  if (unit === 'ms') return value.toFixed(value < 10 ? 2 : 1);
  return Math.round(value).toLocaleString('en-US');
}
