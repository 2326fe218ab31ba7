import { readBloom } from './bloom.ts';
import { type ChainStep, WINDOW } from './chain.ts';
import { type HubClock, pause } from './clock.ts';
import { type Head, isHash, readHead } from './head.ts';
import type { LogFilter } from './log-filter.ts';
import type { NodeSocket } from './node-socket.ts';
import type { Nodes } from './nodes.ts';

/** A feed of logs as the reader sees it. */
export interface LogFeed {
  readonly filter: LogFilter;
  /** Its logs as JSON text, in order. */
  emit(texts: readonly string[]): void;
}

/** Reads the logs of each block that can hold some a feed wants, once for all of them, in the order of the chain. */
export interface LogReader {
  /** From the next step on, the feed is told. */
  add(feed: LogFeed): void;
  remove(feed: LogFeed): void;
  /** What the chain did; heads do not wait for it. */
  step(step: ChainStep): void;
  stop(): void;
}

export interface LogReaderOptions {
  nodes: Nodes;
  clock: HubClock;
  /** Name of the upstream that told the heads: the first to be asked, over its socket where it has one. */
  upstream(): string;
  socket(): NodeSocket | null;
  /** A block has waited so long for its logs; told once for each. */
  onLate(head: Head, waitedMs: number): void;
  /** Nobody gives the logs of a block: those behind it cannot be told either. */
  onLost(reason: string): void;
}

/** Blocks whose logs are remembered, to be taken back in a reorg: as many as a fork is looked for. */
const REMEMBERED = WINDOW;
const WAITING_MAX = 4096;
const RETRY_MS = 100;
const RETRY_MS_MAX = 5000;
const LATE_MS = 5000;
/** Longer than an outage of all nodes would be filled in without anybody's closing; then whoever listens is told. */
const LOST_MS = 120_000;

type Job = { added: Head; feeds: readonly LogFeed[] } | { removed: Head };

/** A log that was sent: to whom, and what. */
type Delivered = Map<LogFeed, object[]>;

export function createLogReader(options: LogReaderOptions): LogReader {
  const { nodes, clock } = options;
  const feeds = new Set<LogFeed>();
  const jobs: Job[] = [];
  const delivered = new Map<string, Delivered>();
  let stopped = false;
  const isWanted = (): boolean => !stopped;
  let working = false;

  const isReplaced = (hash: string): boolean =>
    jobs.some((job) => 'removed' in job && job.removed.hash === hash);

  /** Of one who may not have the block yet, or takes no hash: an answer is one only where it can be this block's. */
  async function readFrom(ask: Ask, head: Head): Promise<FoundLog[] | undefined> {
    const byHash = logsOf(await ask('eth_getLogs', JSON.stringify([{ blockHash: head.hash }])), head);
    if (byHash !== undefined) return byHash;
    const number = `0x${head.number.toString(16)}`;
    const byNumber = logsOf(
      await ask('eth_getLogs', JSON.stringify([{ fromBlock: number, toBlock: number }])),
      head,
    );
    if (byNumber?.length !== 0) return byNumber;
    // None, of whichever block has that number there.
    const there = readHead(await ask('eth_getBlockByNumber', `["${number}",false]`));
    return there?.hash === head.hash ? byNumber : undefined;
  }

  async function read(head: Head): Promise<FoundLog[] | null> {
    const since = clock.now();
    let isLate = false;
    for (let wait = RETRY_MS; isWanted(); wait = Math.min(RETRY_MS_MAX, wait * 2)) {
      const socket = options.socket();
      const overSocket: Ask = async (method, params) => {
        const answer = await socket?.ask(method, params);
        return answer?.kind === 'result' ? answer.value : undefined;
      };
      const overHttp = nodes.inOrder(options.upstream()).map(
        (upstream): Ask =>
          (method, params) =>
            nodes.ask(upstream, method, params),
      );
      for (const ask of socket === null ? overHttp : [overSocket, ...overHttp]) {
        const logs = await readFrom(ask, head);
        if (logs !== undefined) return logs;
      }
      // It was replaced, and perhaps no node knows it any more.
      if (isReplaced(head.hash)) return null;
      const waited = clock.now() - since;
      if (waited > LATE_MS && !isLate) {
        isLate = true;
        options.onLate(head, waited);
      }
      if (waited > LOST_MS) {
        options.onLost(`no upstream gives the logs of block ${head.number}`);
        return null;
      }
      await pause(clock, wait);
    }
    return null;
  }

  async function add(head: Head, interested: readonly LogFeed[]): Promise<void> {
    const bloom = readBloom(head.bloom);
    const wanting = interested.filter((feed) => feeds.has(feed) && feed.filter.mayMatch(bloom));
    if (wanting.length === 0) return;
    const logs = await read(head);
    if (logs === null || stopped) return;
    const sent: Delivered = new Map();
    for (const feed of wanting) {
      const matching = logs.filter((log) => feed.filter.matches(log.facts));
      if (matching.length === 0 || !feeds.has(feed)) continue;
      sent.set(
        feed,
        matching.map(({ log }) => log),
      );
      feed.emit(matching.map(textOf));
    }
    if (sent.size === 0) return;
    delivered.set(head.hash, sent);
    if (delivered.size > REMEMBERED) delivered.delete(delivered.keys().next().value!);
  }

  function takeBack({ hash }: Head): void {
    const sent = delivered.get(hash);
    delivered.delete(hash);
    for (const [feed, logs] of sent ?? [])
      if (feeds.has(feed)) feed.emit(logs.map((log) => JSON.stringify({ ...log, removed: true })));
  }

  async function work(): Promise<void> {
    working = true;
    try {
      for (let job = jobs.shift(); job !== undefined && isWanted(); job = jobs.shift()) {
        if ('added' in job) await add(job.added, job.feeds);
        else takeBack(job.removed);
      }
    } finally {
      working = false;
    }
  }

  return {
    add: (feed) => void feeds.add(feed),
    remove(feed) {
      feeds.delete(feed);
      for (const sent of delivered.values()) sent.delete(feed);
    },
    step({ removed, added }) {
      if (feeds.size === 0 && jobs.length === 0 && delivered.size === 0) return;
      const now = [...feeds];
      for (const head of removed) jobs.push({ removed: head });
      for (const head of added) jobs.push({ added: head, feeds: now });
      if (jobs.length > WAITING_MAX) return options.onLost(`logs of ${jobs.length} blocks could not be read`);
      if (!working) work().catch(() => options.onLost('its logs could not be read'));
    },
    stop() {
      stopped = true;
      jobs.length = 0;
    },
  };
}

interface FoundLog {
  log: object;
  facts: { address: string; topics: string[] };
  /** Made when first needed, and the same for all feeds. */
  text: string | null;
}

function textOf(found: FoundLog): string {
  return (found.text ??= JSON.stringify(found.log));
}

/** The logs of a node's answer; undefined where it is none, or not this block's. */
function logsOf(value: unknown, head: Head): FoundLog[] | undefined {
  if (!Array.isArray(value)) return undefined;
  // Its bloom filter says that there are some: the node does not have them yet.
  if (value.length === 0 && head.bloom !== '') return undefined;
  const logs: FoundLog[] = [];
  for (const log of value as unknown[]) {
    const facts = factsOf(log, head.hash);
    if (facts === undefined) return undefined;
    logs.push({ log: log as object, facts, text: null });
  }
  return logs;
}

function factsOf(log: unknown, blockHash: string): FoundLog['facts'] | undefined {
  if (typeof log !== 'object' || log === null) return undefined;
  const { address, topics, blockHash: of } = log as Record<string, unknown>;
  if (typeof of !== 'string' || of.toLowerCase() !== blockHash) return undefined;
  if (typeof address !== 'string' || !Array.isArray(topics) || !topics.every(isHash)) return undefined;
  return { address: address.toLowerCase(), topics: topics.map((topic) => topic.toLowerCase()) };
}

/** Asks one node; undefined: no answer, or an error. */
type Ask = (method: string, params: string) => Promise<unknown>;
