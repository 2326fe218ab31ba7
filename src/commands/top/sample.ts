import { type Methods, refusedOf, type Summary, type Top } from '../../admin/index.ts';

/** What the gateway says at one moment. */
export interface Snapshot {
  /** Monotonic milliseconds at which it was asked. */
  atMs: number;
  summary: Summary;
  top: Top;
  methods: Methods;
}

/** A second of one caller or method; times in milliseconds, null where nothing was measured. */
export interface Rates {
  calls: number;
  refused: number;
  cost: number;
  bytes: number;
  /** Of methods p99 since the start, as a histogram has it; of callers the mean of the interval. */
  ms: number | null;
}

/** Rates are null of a caller that was not in the list a look ago: how much of its counts is new is not known yet. */
export interface Line extends Record<keyof Rates, number | null> {
  name: string;
  /** What names it beyond doubt, for the order of lines that are alike. */
  id: string;
}

/** What happened between two moments. */
export interface Frame {
  at: string;
  gateway: { version: string; uptimeSeconds: number; connections: number; sockets: number };
  /** Whose figures these are. */
  scope: Summary['scope'];
  /** Between the two; 0: all rates are those since the start. */
  seconds: number;
  totals: Rates & { failed: number; errors: number; cached: number };
  down: string[];
  upstreams: number;
  /** Redis, and how many instances share it; null: it is not used. */
  redis: { up: boolean; instances: number; reason: string | null } | null;
  callers: Line[];
  methods: Line[];
  /** The shadow rules that would have refused since the start, most first. */
  shadow: { rule: string; wouldRefuse: number }[];
}

type Counts = Summary['totals'];

const bytesOf = (counts: Counts): number => counts.bytesIn + counts.bytesOut;

/** One that was started anew, came or left brings or takes along all it has counted. */
function sameRun(a: Summary, b: Summary): boolean {
  const ids = ({ scope }: Summary): string => scope.instances.map(({ id }) => id).join();
  return a.startedAt === b.startedAt && ids(a) === ids(b);
}

/**
 * Rates between two snapshots of one run; without `before`, or where a gateway was started anew, came or left, since the start.
 */
export function frameOf(now: Snapshot, before: Snapshot | undefined): Frame {
  const { summary } = now;
  const since = before !== undefined && sameRun(before.summary, summary) ? before : undefined;
  const seconds = since === undefined ? 0 : Math.max(0.001, (now.atMs - since.atMs) / 1000);
  const perSecond = (value: number, earlier: number | undefined): number =>
    Math.max(0, value - (earlier ?? 0)) /
    (since === undefined ? Math.max(1, summary.uptimeSeconds) : seconds);
  const rates = (counts: Counts, earlier: Counts | undefined): Omit<Rates, 'ms'> => ({
    calls: perSecond(counts.calls, earlier?.calls),
    refused: perSecond(refusedOf(counts), earlier && refusedOf(earlier)),
    cost: perSecond(counts.cost, earlier?.cost),
    bytes: perSecond(bytesOf(counts), earlier && bytesOf(earlier)),
  });

  const { totals, latency } = summary;
  const earlier = since?.summary.totals;
  const callersBefore = new Map(since?.top.entries.map((entry) => [entry.id, entry]));
  const methodName = ({ network, method }: Methods['methods'][number]) => `${network} ${method}`;
  const methodsBefore = new Map(since?.methods.methods.map((line) => [methodName(line), line]));
  const networks = new Set(now.methods.methods.map(({ network }) => network));
  return {
    at: summary.at,
    gateway: {
      version: summary.version,
      uptimeSeconds: summary.uptimeSeconds,
      connections: summary.http.connections,
      sockets: summary.websocket.connections,
    },
    scope: summary.scope,
    seconds,
    totals: {
      ...rates(totals, earlier),
      failed: perSecond(totals.failed, earlier?.failed),
      errors: perSecond(totals.errors, earlier?.errors),
      cached: perSecond(totals.cached + totals.joined, earlier && earlier.cached + earlier.joined),
      ms: toMs(latency.total.p99Micros),
    },
    down: summary.upstreams
      .filter(({ state, breaker }) => state === 'down' || breaker !== 'closed')
      .map(
        ({ network, upstream, state, breaker }) =>
          `${network}/${upstream} ${state === 'down' ? 'down' : `breaker ${breaker}`}`,
      ),
    upstreams: summary.upstreams.length,
    redis: summary.redis,
    callers: now.top.entries.map((entry) => {
      const known = callersBefore.get(entry.id);
      const { counts, latencySumMicros } = entry;
      return {
        name: callerName(entry),
        id: entry.id,
        ...(since !== undefined && known === undefined
          ? unknownRates
          : { ...rates(counts, known?.counts), ms: meanMs(entry, known, latencySumMicros) }),
      };
    }),
    methods: now.methods.methods.map((line) => ({
      name: networks.size > 1 ? methodName(line) : line.method,
      id: methodName(line),
      ...rates(line, methodsBefore.get(methodName(line))),
      ms: toMs(line.latency.total.p99Micros),
    })),
    shadow: summary.shadow
      .filter(({ wouldRefuse }) => wouldRefuse > 0)
      .toSorted((a, b) => b.wouldRefuse - a.wouldRefuse),
  };
}

const unknownRates = { calls: null, refused: null, cost: null, bytes: null, ms: null };

/** A key is named by its name, or by its prefix; never by itself. */
function callerName({ kind, id, name, prefix }: Top['entries'][number]): string {
  return kind === 'address' ? id : (name ?? `key:${prefix ?? id}`);
}

type Entry = Top['entries'][number];

const answered = ({ counts }: Entry): number => counts.allowed + counts.burst - counts.failed;

function meanMs(entry: Entry, before: Entry | undefined, sumMicros: number): number | null {
  const calls = answered(entry) - (before === undefined ? 0 : answered(before));
  const micros = sumMicros - (before?.latencySumMicros ?? 0);
  return calls > 0 && micros >= 0 ? micros / calls / 1000 : null;
}

function toMs(micros: number | null): number | null {
  return micros === null ? null : micros / 1000;
}
