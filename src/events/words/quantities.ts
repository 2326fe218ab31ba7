const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

/** A time span as one says it, in at most two units: `850 ms`, `42 s`, `3 min 20 s`, `2 d 4 h`. */
export function spanText(ms: number): string {
  if (!(ms >= 1000)) return `${Math.max(0, Math.round(ms) || 0)} ms`;
  const at = units.findIndex(([, size]) => ms >= size);
  const [unit, size] = units[at]!;
  const smaller = units[at + 1];
  const whole = Math.floor(ms / size);
  const rest = smaller ? Math.floor((ms % size) / smaller[1]) : 0;
  return rest === 0 ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${smaller?.[0]}`;
}

/** A number with its thousands apart: `1,234,567`; fractions to three significant digits: `0.213`. */
export function countText(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const options = Number.isInteger(value) ? {} : { maximumSignificantDigits: Math.abs(value) < 1000 ? 3 : 6 };
  return value.toLocaleString('en-US', options);
}

/** A moment to the second, in UTC: `2026-11-03 14:05:09 UTC`. What is no time comes back as it was. */
export function momentText(iso: string): string {
  const at = Date.parse(iso);
  return Number.isNaN(at) ? iso : `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
