const durationUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const sizeUnits = {
  B: 1,
  kB: 1000,
  KiB: 1024,
  MB: 1000 ** 2,
  MiB: 1024 ** 2,
  GB: 1000 ** 3,
  GiB: 1024 ** 3,
} as const;

const quantity = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]+)$/;

/** `250ms`, `10s`, `1.5m`, `24h`, `1d` in whole milliseconds; `0` needs no unit. Undefined if it is none. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, durationUnits);
}

/** `512B`, `64KiB`, `1MiB` (powers of 1024), `10kB`, `1MB` (powers of 1000) in whole bytes; undefined if it is none. */
export function parseSize(text: string): number | undefined {
  return parseQuantity(text, sizeUnits);
}

/** The shortest exact text: 90000 → `90s`, 86400000 → `24h`, whole days from two on as `2d`. */
export function formatDuration(ms: number): string {
  const { d } = durationUnits;
  if (ms >= 2 * d && ms % d === 0) return `${ms / d}d`;
  for (const unit of ['h', 'm', 's'] as const) {
    if (ms >= durationUnits[unit] && ms % durationUnits[unit] === 0) {
      return `${ms / durationUnits[unit]}${unit}`;
    }
  }
  return ms === 0 ? '0' : `${ms}ms`;
}

/** The shortest exact text: 1048576 → `1MiB`, 1000 → `1kB`, 1001 → `1001B`. */
export function formatSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB', 'GB', 'MB', 'kB'] as const) {
    if (bytes >= sizeUnits[unit] && bytes % sizeUnits[unit] === 0) return `${bytes / sizeUnits[unit]}${unit}`;
  }
  return `${bytes}B`;
}

/** What may be wrong with a quantity's unit, said to the one who wrote it; undefined if the unit is not the trouble. */
export function unitHint(text: string, kind: 'duration' | 'size'): string | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return `add a unit, such as ${text}${kind === 'duration' ? 's' : 'KiB'}`;
  const unit = quantity.exec(text)?.[2];
  const units = kind === 'duration' ? durationUnits : sizeUnits;
  if (unit === undefined || Object.hasOwn(units, unit)) return undefined;
  const meant = meantUnits[unit.toLowerCase()]?.filter((name) => Object.hasOwn(units, name));
  if (meant && meant.length > 0)
    return `did you mean ${meant.map((name) => text.replace(unit, name)).join(' or ')}?`;
  return `units are ${Object.keys(units).join(', ')}`;
}

const meantUnits: Record<string, readonly string[]> = {
  b: ['B'],
  k: ['KiB'],
  kb: ['kB', 'KiB'],
  kib: ['KiB'],
  m: ['MiB'],
  mb: ['MB', 'MiB'],
  mib: ['MiB'],
  g: ['GiB'],
  gb: ['GB', 'GiB'],
  gib: ['GiB'],
  sec: ['s'],
  secs: ['s'],
  second: ['s'],
  seconds: ['s'],
  min: ['m'],
  mins: ['m'],
  minute: ['m'],
  minutes: ['m'],
  hour: ['h'],
  hours: ['h'],
  hr: ['h'],
  day: ['d'],
  days: ['d'],
  ms: ['ms'],
  millis: ['ms'],
  s: ['s'],
  h: ['h'],
  d: ['d'],
};

function parseQuantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  if (text === '0') return 0;
  const match = quantity.exec(text);
  const unit = match?.[2];
  if (!match || unit === undefined || !Object.hasOwn(units, unit)) return undefined;
  const value = Number(match[1]) * (units[unit] ?? Number.NaN);
  // 1.1s is 1100.0000000000002 in floating point: round what is whole but for that.
  const whole = Math.round(value);
  return Math.abs(value - whole) < 1e-6 && Number.isSafeInteger(whole) ? whole : undefined;
}
