import { age, bytes, fit, millis, rate, sparkline } from './cells.ts';
import type { Frame, Line } from './sample.ts';

/** Columns that lines can be sorted by, with their keys on the keyboard. */
export const orders = [
  { name: 'calls', key: 'c' },
  { name: 'refused', key: 'r' },
  { name: 'cost', key: 'u' },
  { name: 'bytes', key: 'b' },
  { name: 'ms', key: 'l' },
] as const;
export type OrderName = (typeof orders)[number]['name'];

/** How it is to look. */
export interface View {
  width: number;
  height: number;
  order: OrderName;
  paused: boolean;
  /** Calls a second of each interval so far, the latest last. */
  history: readonly number[];
  /** Why the latest figures are missing; null: they are there. */
  problem: string | null;
  /** Where the gateway is. */
  address: string;
  styles: Styles;
}

/** What text may be made to look like. Meaning never hangs on it: a mark or a word says the same. */
export interface Styles {
  strong(text: string): string;
  heading(text: string): string;
  /** Something is refused or missing. */
  alarm(text: string): string;
}

export const plain: Styles = { strong: String, heading: String, alarm: String };

const escape = (code: string, text: string): string => `\u001b[${code}m${text}\u001b[0m`;

/** Blue and orange are told apart by all eyes; without colour the same is bold or reversed. */
export function stylesOf(colour: boolean): Styles {
  return {
    strong: (text) => escape('1', text),
    heading: (text) => escape('7', text),
    alarm: (text) => escape(colour ? '1;38;5;208' : '1', text),
  };
}

const numberWidth = 11;
const heads: Record<OrderName, string> = {
  calls: 'calls/s',
  refused: 'refused/s',
  cost: 'cost/s',
  bytes: 'bytes/s',
  ms: 'ms',
};

/** The lines of one picture, each of at most `width` columns; at most `height` of them. */
export function screenOf(frame: Frame, view: View): string[] {
  const { height, width, styles } = view;
  const head = headOf(frame, view);
  const keys = fit(
    `${orders.map(({ name, key }) => `${key} ${name === 'ms' ? 'latency' : name}`).join('  ')}   p ${view.paused ? 'go on' : 'pause'}   q quit`,
    width,
  );
  const room = height - head.length - 1;
  // A heading each, and an empty line between the two.
  const rows = Math.max(0, room - 3);
  const [callers, methods] = shares(rows, frame.callers.length, frame.methods.length);
  const body = [
    ...tableOf('CALLER', 'mean', frame.callers, callers, view),
    '',
    ...tableOf('METHOD', 'p99', frame.methods, methods, view),
  ].slice(0, Math.max(0, room));
  const empty = Array.from({ length: Math.max(0, room - body.length) }, () => '');
  return [...head, ...body, ...empty, styles.strong(keys)].slice(-height);
}

function headOf(frame: Frame, view: View): string[] {
  const { width, styles, address, paused, problem } = view;
  const { gateway, totals, down, upstreams } = frame;
  const title = `polymorph top  ${address}  up ${age(gateway.uptimeSeconds)}  v${gateway.version}${scopeText(frame.scope)}`;
  const clock = `${paused ? 'PAUSED  ' : ''}${frame.at.slice(11, 19)} UTC`;
  const share = totals.calls === 0 ? 0 : (100 * totals.refused) / totals.calls;
  const refused = `${totals.refused > 0 ? '! ' : ''}refused ${rate(totals.refused)}/s (${share.toFixed(1)}%)`;
  const calls = `calls ${rate(totals.calls)}/s `;
  const rest = fitting(
    [
      `cost ${rate(totals.cost)}/s`,
      `${bytes(totals.bytes)}/s`,
      `p99 ${millis(totals.ms)} ms`,
      `failed ${rate(totals.failed)}/s`,
      `cached ${rate(totals.cached)}/s`,
      `node errors ${rate(totals.errors)}/s`,
    ],
    width - refused.length,
  );
  const line3 =
    (totals.refused > 0 ? styles.alarm(fit(refused, Math.min(width, refused.length))) : refused) + rest;
  const { redis } = frame;
  const troubles = [
    ...(down.length === 0 ? [] : [`${down.length} of ${upstreams} upstreams: ${down.join(', ')}`]),
    ...(redis === null || redis.up ? [] : [`Redis is away: ${redis.reason ?? 'unknown reason'}`]),
  ];
  const state =
    troubles.length === 0
      ? fitting(
          [
            `upstreams ${upstreams} good`,
            `connections ${gateway.connections}`,
            `sockets ${gateway.sockets}`,
            ...(redis === null ? [] : [`instances ${redis.instances}`]),
            ...frame.shadow
              .slice(0, 1)
              .map(({ rule, wouldRefuse }) => `shadow ${rule} would refuse ${wouldRefuse}`),
          ],
          width,
        ).trimStart()
      : `! ${troubles.join('; ')}`;
  const says = problem === null ? state : `! ${problem}`;
  const alarmed = problem !== null || troubles.length > 0;
  return [
    styles.strong(fit(title, width - clock.length - 1)) + ` ${clock}`,
    fit(calls, calls.length) + sparkline(view.history, Math.max(0, width - calls.length)),
    line3,
    alarmed ? styles.alarm(fit(says, width)) : fit(says, width),
    '',
  ];
}

/** Nothing where there are no others. */
function scopeText({ of, instances, missing, redis }: Frame['scope']): string {
  if (redis === null) return '';
  if (of === 'instance') return '  this instance alone';
  if (redis === 'away') return '  ! Redis away: this instance alone';
  return `  instances ${instances.length}${missing === 0 ? '' : ` (${missing} missing)`}`;
}

/** As many of these facts as there is room for, two blanks before each. */
function fitting(facts: readonly string[], width: number): string {
  let text = '';
  for (const fact of facts) {
    if (text.length + fact.length + 2 > width) break;
    text += `  ${fact}`;
  }
  return text;
}

/** How many rows each table gets: what one does not need the other has. */
function shares(rows: number, callers: number, methods: number): [number, number] {
  const half = Math.ceil(rows / 2);
  const first = Math.min(callers, Math.max(half, rows - methods));
  return [first, Math.min(methods, rows - first)];
}

function tableOf(title: string, time: string, lines: readonly Line[], rows: number, view: View): string[] {
  const { width, order, styles } = view;
  // Where there is no room for all columns the last ones go first, but never that which lines are sorted by.
  const room = Math.max(1, Math.floor((width - 12) / numberWidth));
  const names = orders.map(({ name }) => name);
  const shown = names.filter(
    (name, k) => k < room - (names.indexOf(order) >= room ? 1 : 0) || name === order,
  );
  const nameWidth = width - shown.length * numberWidth;
  const heading =
    fit(title, nameWidth) +
    shown
      .map((name) =>
        fit(`${name === 'ms' ? `${time} ms` : heads[name]}${name === order ? 'v' : ''}`, numberWidth, true),
      )
      .join('');
  return [
    styles.heading(heading),
    ...sorted(lines, order)
      .slice(0, rows)
      .map((line) => rowOf(line, nameWidth, shown, styles)),
  ];
}

/** Lines by this column, the greatest first. */
export function sorted(lines: readonly Line[], order: OrderName): Line[] {
  return lines.toSorted(
    (a, b) =>
      (b[order] ?? -1) - (a[order] ?? -1) || (b.calls ?? -1) - (a.calls ?? -1) || (a.id < b.id ? -1 : 1),
  );
}

function rowOf(line: Line, nameWidth: number, shown: readonly OrderName[], styles: Styles): string {
  const cells = shown.map((name) => {
    const cell = fit(cellOf(line, name), numberWidth, true);
    return name === 'refused' && (line.refused ?? 0) > 0 ? styles.alarm(cell) : cell;
  });
  return fit(line.name, nameWidth) + cells.join('');
}

function cellOf(line: Line, name: OrderName): string {
  if (name === 'ms') return millis(line.ms);
  const value = line[name];
  if (value === null) return '-';
  if (name === 'bytes') return bytes(value);
  return name === 'refused' && value > 0 ? `! ${rate(value)}` : rate(value);
}
