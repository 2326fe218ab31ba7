import { printable } from '../explain/layout.ts';

/** Columns that a terminal gives a character: East Asian wide ones take two, marks that stand on another none. */
function widthOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (/\p{M}/u.test(character)) return 0;
  const wide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd);
  return wide ? 2 : 1;
}

/** The text in exactly `width` columns, cut with `…` where it is longer; what could steer a terminal is shown escaped. */
export function fit(text: string, width: number, right = false): string {
  if (width <= 0) return '';
  const characters = [...printable(text)];
  let columns = 0;
  for (const character of characters) columns += widthOf(character);
  if (columns > width) {
    columns = 0;
    const kept: string[] = [];
    for (const character of characters) {
      if (columns + widthOf(character) > width - 1) break;
      kept.push(character);
      columns += widthOf(character);
    }
    kept.push('…');
    return `${kept.join('')}${' '.repeat(width - columns - 1)}`;
  }
  const space = ' '.repeat(width - columns);
  return right ? space + characters.join('') : characters.join('') + space;
}

/** A rate in at most seven columns: `0`, `0.4`, `12.3`, `1,234`, `56.7k`, `1.2M`. */
export function rate(value: number): string {
  if (value === 0) return '0';
  if (value < 0.05) return '<0.1';
  if (value < 100) return String(Number(value.toFixed(1)));
  if (value < 10_000) return Math.round(value).toLocaleString('en-US');
  return scaled(value, 1000, ['', 'k', 'M', 'G', 'T']);
}

/** Bytes: `0 B`, `512 B`, `1.5 KiB`. */
export function bytes(value: number): string {
  return value < 1023.5
    ? `${Math.round(value)} B`
    : scaled(value, 1024, ['', ' KiB', ' MiB', ' GiB', ' TiB']);
}

/** Milliseconds: `0.12`, `3.4`, `56`, `1,234`; `-` where nothing was measured. */
export function millis(value: number | null): string {
  if (value === null) return '-';
  if (value < 0.995) return value.toFixed(2);
  return value < 9.95 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let power = 0;
  let rest = value;
  while (rest >= base * 0.9995 && power < units.length - 1) {
    rest /= base;
    power++;
  }
  return `${rest < 99.95 ? rest.toFixed(1) : Math.round(rest)}${units[power]}`;
}

const bars = '▁▂▃▄▅▆▇█';

/** The last `width` values as bars of one line; the highest is a full one, nothing is a blank. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const most = Math.max(...shown, 0);
  const drawn = shown.map((value) =>
    value <= 0 || most === 0 ? ' ' : bars[Math.min(7, Math.floor((value / most) * 8))],
  );
  return drawn.join('').padStart(width);
}

/** `3d 4h`, `2h 5m`, `7m 3s`, `9s`. */
export function age(seconds: number): string {
  const whole = Math.floor(seconds);
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${whole % 60}s` : `${whole}s`;
}
