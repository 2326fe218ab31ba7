import type { UpstreamConfig } from '../config.ts';
import { formatDuration, formatSize } from '../quantity.ts';
import { listChange } from './words.ts';

type Say = (sentence: string) => void;

/** What becomes of one upstream. Names no secret. */
export function planUpstream(name: string, from: UpstreamConfig, to: UpstreamConfig, say: Say): void {
  const same = (field: keyof UpstreamConfig): boolean =>
    JSON.stringify(from[field]) === JSON.stringify(to[field]);
  if (from.url.origin !== to.url.origin) {
    say(`${name} moves from ${from.url.origin} to ${to.url.origin}: its connections are opened anew.`);
  } else if (from.url.path !== to.url.path) say(`${name} is called at another path.`);
  if (!same('ws_url')) {
    const [old, now] = [from.ws_url, to.ws_url].map((url) =>
      url === null ? 'none' : url.origin.replace(/^http/, 'ws'),
    );
    say(
      old === now
        ? `${name}: subscriptions go to another path, or with other credentials, without a gap.`
        : `${name}: ws_url changes from ${old} to ${now}. Subscriptions go on without a gap.`,
    );
  }
  if (from.authorization !== to.authorization) {
    const how = to.authorization === null ? 'without credentials' : 'with other credentials';
    say(`${name} is called ${how}. Its connections are kept.`);
  }
  if (!same('headers')) say(`${name} is sent other headers.`);
  if (!same('tls')) {
    const trusted = to.tls ? `the certificates in ${to.tls.ca}` : 'the system’s certificates';
    say(`${name}: ${trusted} are trusted from now on: its connections are opened anew.`);
  }
  for (const [field, show] of Object.entries(shownFields)) {
    const [a, b] = [from, to].map((one) => one[field as keyof typeof shownFields]);
    if (a === b) continue;
    const [old, now] = [show(a), show(b)];
    say(`${name}: ${field} changes from ${old} to ${now}${effects[field] ?? ''}.`);
  }
  if (!same('batch')) {
    const size = ({ batch }: UpstreamConfig): string =>
      `${batch.max_size} calls and ${formatSize(batch.max_bytes)}, waiting ${formatDuration(batch.max_wait)}`;
    say(`${name}: batches change from at most ${size(from)} to ${size(to)}.`);
  }
  for (const [field, lists] of [
    ['methods.allowed', [from.methods.allowed, to.methods.allowed]],
    ['methods.denied', [from.methods.denied, to.methods.denied]],
    ['lacks', [from.lacks, to.lacks]],
  ] as const) {
    const [before, after] = lists;
    if (before.join('\n') !== after.join('\n')) say(`${name}: ${listChange(field, before, after)}`);
  }
}

const bound = (value: number): string => (value === 0 ? 'no bound' : String(value));

/** How a field's value is said. */
const shownFields = {
  tier: String,
  weight: String,
  mode: String,
  http2: (on: boolean) => (on ? 'on' : 'off'),
  requests_per_second: bound,
  max_in_flight: bound,
  max_idle: String,
  idle_timeout: formatDuration,
  max_connections: String,
  connect_timeout: formatDuration,
  first_byte_timeout: formatDuration,
  timeout: formatDuration,
  max_response_bytes: formatSize,
} as const;

/** What follows from a change, beside that it holds for the calls that come then. */
const effects: Readonly<Record<string, string>> = { http2: ': its connections are opened anew' };
