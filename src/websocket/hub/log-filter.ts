import { type BloomBits, bloomBits, mayHold } from './bloom.ts';
import { isHash } from './head.ts';

/** Which logs a subscriber wants, by address and topics. */
export interface LogFilter {
  /** The same for filters that mean the same: what makes their subscriptions one feed. */
  readonly text: string;
  /** False: the block with this bloom filter surely has none of them. */
  mayMatch(bloom: Uint8Array): boolean;
  matches(log: LogFacts): boolean;
}

/** What of a log is looked at, in lower case. */
export interface LogFacts {
  readonly address: string;
  readonly topics: readonly string[];
}

const TOPICS_MAX = 4;
/** Addresses and topics of one filter together: main holds them, and matches each log with them. */
const VALUES_MAX = 256;
/** One with more values is looked for in every block: that is one question more, where to hash all takes 11 us each. */
const BLOOM_VALUES_MAX = 32;

/** Fields of `eth_getLogs` that a subscription has no use for: nodes ignore them too. */
const ignored = new Set(['fromBlock', 'toBlock']);

/** Reads the params after `"logs"`; a string says what is wrong with them, in a node's words. */
export function readLogFilter(params: unknown): LogFilter | string {
  if (params === undefined || params === null) return create([], []);
  if (typeof params !== 'object' || Array.isArray(params))
    return 'invalid argument 1: the filter must be an object';
  for (const name of Object.keys(params))
    if (name !== 'address' && name !== 'topics' && !ignored.has(name))
      return `invalid argument 1: a subscription takes no ${JSON.stringify(name.slice(0, 32))}`;
  const { address, topics } = params as { address?: unknown; topics?: unknown };
  const addresses =
    address === undefined || address === null ? [] : Array.isArray(address) ? address : [address];
  if (!addresses.every(isAddress)) return 'invalid argument 1: invalid address';
  if (topics !== undefined && topics !== null && !Array.isArray(topics))
    return 'invalid argument 1: invalid topics';
  const places = ((topics ?? []) as unknown[]).map((place) =>
    place === null ? [] : Array.isArray(place) ? (place as unknown[]) : [place],
  );
  if (places.length > TOPICS_MAX) return 'exceed max topics';
  const values = places.reduce((sum, place) => sum + place.length, addresses.length);
  if (values > VALUES_MAX) return `exceed max addresses and topics of a filter: ${VALUES_MAX}`;
  // One alternative that is anything makes the place anything, as in geth.
  const wanted = places.map((place) => (place.includes(null) ? [] : place));
  if (!wanted.every((place) => place.every(isHash))) return 'invalid argument 1: invalid topic(s)';
  return create(addresses, wanted);
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && /^0x[0-9a-f]{40}$/i.test(value);
}

function create(addresses: readonly string[], topics: readonly (readonly string[])[]): LogFilter {
  const canonical = (values: readonly string[]): string[] =>
    [...new Set(values.map((value) => value.toLowerCase()))].sort();
  const from = canonical(addresses);
  // Empty places at the end still ask for a log to have so many topics; geth matches by their number too.
  const places = topics.map(canonical);
  const wanted: Wanted[] = [from, ...places].map((values) => new Set(values));
  const [source, ...positions] = wanted as [Wanted, ...Wanted[]];
  const count = wanted.reduce((sum, { size }) => sum + size, 0);
  let bits: BloomBits[][] | null = null;
  return {
    text: JSON.stringify({ address: from, topics: places }),
    mayMatch(bloom) {
      if (count > BLOOM_VALUES_MAX) return true;
      bits ??= wanted.flatMap((values) => (values.size === 0 ? [] : [[...values].map(bloomBits)]));
      return bits.every((place) => place.some((one) => mayHold(bloom, one)));
    },
    matches: ({ address, topics: found }) =>
      fits(source, address) &&
      positions.length <= found.length &&
      positions.every((position, k) => fits(position, found[k]!)),
  };
}

/** Nothing wanted: anything fits. */
type Wanted = ReadonlySet<string>;

function fits(wanted: Wanted, value: string): boolean {
  return wanted.size === 0 || wanted.has(value);
}
