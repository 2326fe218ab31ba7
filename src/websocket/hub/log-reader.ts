import { readBloom } from './bloom.ts';
import type { ChainStep } from './chain.ts';
import { type HubClock, pause } from './clock.ts';
import { type FoundLog, logsOf, textOf } from './found-logs.ts';
import { type Head, readHead } from './head.ts';
import type { LogFilter } from './log-filter.ts';
import type { NodeSocket } from './node-socket.ts';
import type { Nodes } from './nodes.ts';
import { createToldLogs } from './told-logs.ts';

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
  /** What nobody else waits for is not read any more. */
  remove(feed: LogFeed): void;
  /** What the chain did; heads do not wait for it. */
  step(step: ChainStep): void;
  stop(): void;
}

export interface LogReaderOptions {
  nodes: Nodes;
  clock: HubClock;
  /** Of logs that are kept to be taken back in a reorg; beyond them they are read again. */
  bytesMax: number;
  /** Name of the upstream that told the heads: the first to be asked, over its socket where it has one. */
  upstream(): string;
  socket(): NodeSocket | null;
  /** A block has waited so long for its logs; told once for each. */
  onLate(head: Head, waitedMs: number): void;
  /** Nobody gives the logs of a block, or those to take back: what is behind it cannot be told either. */
  onLost(reason: string): void;
}

const WAITING_MAX = 4096;
const RETRY_MS = 100;
const RETRY_MS_MAX = 5000;
const LATE_MS = 5000;
/** Longer than an outage of all nodes would be filled in without anybody's closing; then whoever listens is told. */
const LOST_MS = 120_000;

/** Rounds in which all are asked for the logs of a block that was replaced: nodes give them or do not. */
const REPLACED_ROUNDS = 4;

type Job = { added: Head; step: number } | { removed: Head };

export function createLogReader(options: LogReaderOptions): LogReader {
  const { nodes, clock } = options;
  /** By the number of the last step before they came. */
  const feeds = new Map<LogFeed, number>();
  const jobs: Job[] = [];
  const told = createToldLogs(options.bytesMax);
  let steps = 0;
  let working = false;
  /** Whoever waits for the block that is being read. */
  let reading: { wanting: Set<LogFeed>; abandon: () => void } | null = null;

  const isReplaced = (hash: string): boolean =>
    jobs.some((job) => 'removed' in job && job.removed.hash === hash);

  const thereBefore = (step: number): LogFeed[] =>
    [...feeds].filter(([, since]) => since < step).map(([feed]) => feed);

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

  /** Of whoever has it, the source of the heads first. */
  async function readOnce(head: Head): Promise<FoundLog[] | undefined> {
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
    return undefined;
  }

  async function read(head: Head, isWanted: () => boolean): Promise<FoundLog[] | null> {
    const since = clock.now();
    let isLate = false;
    for (let wait = RETRY_MS; isWanted(); wait = Math.min(RETRY_MS_MAX, wait * 2)) {
      const logs = await readOnce(head);
      if (logs !== undefined) return logs;
      // It was replaced, and perhaps no node knows it any more.
      if (!isWanted() || isReplaced(head.hash)) return null;
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

  /** Of a block that was replaced: some were told of it, so that none is no answer. */
  async function readReplaced(head: Head, isWanted: () => boolean): Promise<FoundLog[] | null> {
    for (let round = 0; round < REPLACED_ROUNDS && isWanted(); round++) {
      if (round > 0) await pause(clock, RETRY_MS * 2 ** round);
      const logs = await readOnce(head);
      if (logs !== undefined && logs.length > 0) return logs;
    }
    if (isWanted()) options.onLost(`no upstream gives the logs of block ${head.number}, which was replaced`);
    return null;
  }

  /** null as soon as none of them is left, whatever is still on its way. */
  async function whileWanted(
    by: readonly LogFeed[],
    run: (isWanted: () => boolean) => Promise<FoundLog[] | null>,
  ): Promise<FoundLog[] | null> {
    const wanting = new Set(by);
    const abandoned = new Promise<null>((resolve) => {
      reading = { wanting, abandon: () => resolve(null) };
    });
    try {
      return await Promise.race([run(() => wanting.size > 0), abandoned]);
    } finally {
      reading = null;
    }
  }

  async function add(head: Head, step: number): Promise<void> {
    const bloom = readBloom(head.bloom);
    const wanting = thereBefore(step).filter((feed) => feed.filter.mayMatch(bloom));
    if (wanting.length === 0) return;
    const logs = await whileWanted(wanting, (isWanted) => read(head, isWanted));
    if (logs === null) return;
    for (const feed of wanting) {
      const matching = logs.filter((log) => feed.filter.matches(log.facts));
      if (matching.length > 0 && feeds.has(feed)) feed.emit(matching.map(textOf));
    }
    const texts = logs.flatMap(({ text }) => text ?? []);
    if (texts.length > 0) told.put(head.hash, step, texts);
  }

  /** Filters say now as they did then who was told of which. */
  async function takeBack(head: Head): Promise<void> {
    const before = told.take(head.hash);
    if (before === undefined) return;
    const { step, logs: kept } = before;
    const wanting = thereBefore(step);
    const logs =
      kept === null
        ? await whileWanted(wanting, (isWanted) => readReplaced(head, isWanted))
        : logsOf(JSON.parse(kept), head);
    for (const feed of wanting) {
      const texts = logs?.filter(({ facts }) => feed.filter.matches(facts)).map(takenBack) ?? [];
      if (texts.length > 0 && feeds.has(feed)) feed.emit(texts);
    }
  }

  async function work(): Promise<void> {
    working = true;
    try {
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
        if ('added' in job) await add(job.added, job.step);
        else await takeBack(job.removed);
      }
    } finally {
      working = false;
    }
  }

  function remove(feed: LogFeed): void {
    feeds.delete(feed);
    if (reading?.wanting.delete(feed) && reading.wanting.size === 0) reading.abandon();
    if (feeds.size > 0) return;
    jobs.length = 0;
    told.clear();
  }

  return {
    add: (feed) => void feeds.set(feed, steps),
    remove,
    step({ removed, added }) {
      steps++;
      if (feeds.size === 0) return;
      for (const head of removed) jobs.push({ removed: head });
      for (const head of added) jobs.push({ added: head, step: steps });
      if (jobs.length > WAITING_MAX) return options.onLost(`logs of ${jobs.length} blocks could not be read`);
      if (!working) work().catch(() => options.onLost('its logs could not be read'));
    },
    stop() {
      for (const feed of [...feeds.keys()]) remove(feed);
    },
  };
}

function takenBack({ log }: FoundLog): string {
  return JSON.stringify({ ...log, removed: true });
}

/** Asks one node; undefined: no answer, or an error. */
type Ask = (method: string, params: string) => Promise<unknown>;
