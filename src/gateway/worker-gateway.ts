import { randomInt } from 'node:crypto';
import type { SharedStore } from '../answer/index.ts';
import { type BanReader, openBans } from '../admission/index.ts';
import type { PolicySnapshot } from '../config/index.ts';
import {
  createConnectionCounts,
  createHttpFront,
  createTurn,
  type HttpSettings,
  type TlsFiles,
} from '../http/index.ts';
import { callerOfAddress, createTrustedProxies } from '../identity/index.ts';
import {
  createBuckets,
  createHash64,
  createMonotonicClock,
  type ExactStore,
  openLeaseState,
} from '../limits/index.ts';
import { closeCauses, type FromHub } from '../websocket/index.ts';
import { createTurnUsage } from '../usage/index.ts';
import { createAccessLog } from './decisions/access-log.ts';
import { createAdmission, createPeerCheck } from './admit.ts';
import { sampled } from './call.ts';
import { createCallerResolver } from './caller.ts';
import { createCors } from './cors.ts';
import { createWorkerCounters } from './figures/counters.ts';
import { createDecisions, type Decisions, findDecisions } from './decisions/decision-ring.ts';
import { createEventFold } from './event-fold.ts';
import { createFaultLog } from './fault-log.ts';
import { createHttpRefusals } from './http-refusal.ts';
import { openWorkerJournal } from './journal.ts';
import { createLimitStage } from './limit/limit.ts';
import type { FromWorker, WorkerStart } from './messages.ts';
import { createNetworks } from './networks.ts';
import { decisionOf } from './decisions/note.ts';
import { createPipeline } from './pipeline.ts';
import { Policy } from './policy.ts';
import { createCallReader } from './read-calls.ts';
import { createReceiver } from './receive.ts';
import { createReign, type Reign } from './reign.ts';
import { createRecorder } from './record.ts';
import { createRepricer } from './limit/reprice.ts';
import { createRequestIds } from './request-id.ts';
import type { RedisConnection } from './sharing/redis-connection.ts';
import { createSharedLimitStage } from './sharing/shared-limit.ts';
import { createSockets } from './sockets/sockets.ts';
import { createThreadFigures } from './figures/thread-figures.ts';
import { classify, createIdentifyStage, createMeterStage, createPriceStage } from './stages.ts';
import { createSubscribeStage } from './sockets/subscribe.ts';
import { createViolationLog } from './violations.ts';

/** How often a worker says that it is alive, and looks after what it keeps. */
const BEAT_MS = 100;
const BEATS_BETWEEN_EXPIRIES = 600;

/** One worker's data plane. */
export interface WorkerGateway {
  /** Says `ready` once it accepts connections. Rejects if it cannot listen. */
  listen(): Promise<void>;
  /** Swaps the policy between two calls, then says `applied`. */
  apply(snapshot: PolicySnapshot): void;
  /** Closes sockets whose key is gone. */
  lookAtKeys(): void;
  setTls(tls: TlsFiles): void;
  explain(ask: number, requestId: string): void;
  /** Main has seen to these needs of leases. */
  leased(needs: readonly number[]): void;
  /** What the hub of subscriptions says. */
  hear(message: FromHub): void;
  /** Finishes what is under way, cuts what is left at the deadline, says `drained`. */
  drain(deadlineMs: number): Promise<void>;
}

/** For what other instances have as well: limits, and answers that are kept. */
export interface SharingParts {
  /** Where they are decided exactly. Default: nowhere, by this instance's share. */
  exact?: ExactStore;
  /** Of the connection to Redis: counted with each beat. */
  connection?: Pick<RedisConnection, 'counts' | 'isAway'>;
  /** Where answers are kept together. Default: nowhere. */
  answers?: SharedStore;
  /** How long a call waits for leases, and how many may at once; defaults as the stage has them. */
  waitMs?: number;
  waitingMax?: number;
}

/** Where no worker has a connection of its own: the share decides. */
const noStore: ExactStore = { take: () => Promise.resolve(null) };

export function createWorkerGateway(
  start: WorkerStart,
  tell: (message: FromWorker) => void,
  { exact = noStore, answers, connection, waitMs, waitingMax }: SharingParts = {},
): WorkerGateway {
  const now = createMonotonicClock();
  const nowMs = (): number => now() / 1000;
  const hash = createHash64(start.limits.seed);
  const buckets = createBuckets(start.limits, start.slot + 1);
  const requestIds = createRequestIds(start.bootId, start.slot, start.start);
  const counters = createWorkerCounters(start.slab, start.figures, Date.now);
  const thread = createThreadFigures(start.figures.thread, { intervalMs: BEAT_MS, nowMs });
  const journal = openWorkerJournal(start, {
    whenFull: () => reign.policy.snapshot.usage.whenFull,
    tell,
    nowMs,
    lost: counters.usageLost,
  });
  const usage = createTurnUsage((records) => {
    counters.events(records);
    journal.write(records);
  });
  // Figures first: a disk that hangs is where a thread is ended, and what it was at is written all the same.
  const commit = (): void => {
    counters.settle();
    usage.commit();
  };
  const turn = createTurn(commit);
  const failed = createFaultLog(tell, nowMs);
  const { leases } = start.limits;
  const shared =
    leases &&
    createSharedLimitStage({
      ...{ buckets, exact, turn, tell, counters, now, waitMs },
      callsMax: waitingMax,
      state: openLeaseState(leases),
      resume: (call) => answerLate(call),
      failed(call, error) {
        const { session } = call.owner;
        // As in a call that did not wait: who brought it ends.
        if (session === null) throw error;
        failed(error, call.context.socketId ?? '');
        session.close(closeCauses.fault);
      },
      epochMs: Date.now,
      later: (ms, run) => void setTimeout(run, ms),
    });
  const limitStage = shared ?? createLimitStage({ buckets, epochMs: Date.now, now });
  const bans = openBans(start.bans);
  const admission = createAdmission(bans, counters.banSimulated);
  const violations = createViolationLog(admission);
  const accessLog = createAccessLog({
    tell,
    nowMs,
    settings: () => reign.policy.snapshot.logging,
    onDropped: counters.lineDropped,
  });

  const events = createEventFold({
    snapshot: start.snapshot,
    tell: (folded) => tell({ type: 'events', events: folded }),
    epochMs: Date.now,
  });

  const reignOf = (snapshot: PolicySnapshot): Reign => {
    const policy = new Policy(snapshot, hash);
    return createReign(policy, createCallerResolver(policy, hash), createCors(snapshot));
  };
  let reign = reignOf(start.snapshot);
  let decisions = ringOf(start.snapshot);
  let settings = settingsOf(start.snapshot, bans);

  const beat = (): void => {
    journal.tick();
    events.tick();
    counters.beat(front.stats, networks.counts(), sockets.counts());
    if (connection !== undefined) counters.redisCommands(connection.counts, connection.isAway());
  };
  const networks = createNetworks(start.snapshot, {
    ...{ turn, now, board: start.board, worker: start.slot },
    seed: randomInt(2 ** 31),
    beforeForgetting: beat,
    shared: answers ?? null,
    foundShared: createRepricer(buckets),
  });

  const recorder = createRecorder({
    worker: start.slot,
    counters,
    ...{ usage, events },
    decisions: () => decisions,
    violation: violations.refused,
    refundQuota: limitStage.refund,
    touched: networks.touch,
    logAccess: accessLog.write,
    requestIds,
    now,
    epochMs: Date.now,
  });
  const sockets = createSockets({
    reign: () => reign,
    idPrefix: `${start.bootId}-${start.slot.toString(36)}${start.start.toString(36)}`,
    turn,
    held: { grown: (holder) => front.held.grown(holder) },
    limits: limitStage,
    events,
    admission,
    usage,
    unmetered: journal.unmetered,
    tell: (message) => tell({ type: 'hub', message }),
    received: counters.message,
    failed,
    nowMs,
    epochMs: Date.now,
  });
  const answer = createSubscribeStage({ listeners: sockets.listeners, send: networks.send });
  const answerLate = createSubscribeStage({ listeners: sockets.listeners, send: networks.sendLate });
  const pipeline = createPipeline({
    identify: createIdentifyStage(admission),
    admit: admission.admit,
    meter: createMeterStage(journal.unmetered),
    classify,
    limit: limitStage.limit,
    price: createPriceStage(networks),
    answer,
  });
  const sample = (): number => samples(reign.policy.snapshot);
  const reader = createCallReader({
    ...{ requestIds, pipeline, admission, sink: recorder, now, sample },
    refund: limitStage.refund,
  });
  sockets.start(reader);
  const front = createHttpFront({
    handler: createReceiver({
      reign: () => reign,
      requestIds,
      reader,
      admission,
      epochMs: Date.now,
      instanceId: start.instanceId,
    }),
    refuse: createHttpRefusals({
      reign: () => reign,
      ...{ requestIds, admission, sink: recorder, now, epochMs: Date.now },
    }),
    upgrade: sockets.upgrade,
    turn,
    settings: () => settings,
    tls: start.tls,
    counts: createConnectionCounts(start.connections, start.slot),
    hash,
    sharedReads: start.sharedReads,
    now: nowMs,
  });

  let bansSeen = bans.additions();
  /** Tells main who misbehaved, and closes sockets of those who are banned for it, also where they say nothing. */
  const lookAtBans = (): void => {
    const found = violations.take();
    if (found !== null) tell({ type: 'violations', violations: found });
    const additions = bans.additions();
    if (additions !== bansSeen) sockets.look();
    bansSeen = additions;
  };
  let beats = 0;
  const heart = setInterval(() => {
    // Of answers that nobody was there to take.
    commit();
    beat();
    thread.tick();
    lookAtBans();
    if (++beats % BEATS_BETWEEN_EXPIRIES !== 0) return;
    expireDecisions();
    reign.recent.clear();
  }, BEAT_MS);
  heart.unref();

  function expireDecisions(): void {
    const { generation } = reign.policy.snapshot;
    decisions.refusals.expire(Date.now(), generation);
    decisions.samples.expire(Date.now(), generation);
  }

  return {
    async listen() {
      tell({ type: 'ready', port: await front.listen(start.listen) });
    },
    apply(snapshot) {
      const before = reign.policy.snapshot.explain;
      reign = reignOf(snapshot);
      settings = settingsOf(snapshot, bans);
      const { maxRecords, keepMs } = snapshot.explain;
      if (maxRecords !== before.maxRecords || keepMs !== before.keepMs) {
        // The old ones go first: both together may not fit.
        decisions = createDecisions(0, 0);
        decisions = ringOf(snapshot);
      }
      expireDecisions();
      events.apply(snapshot);
      networks.apply(snapshot);
      sockets.apply();
      tell({ type: 'applied', generation: snapshot.generation });
    },
    lookAtKeys: sockets.look,
    setTls: (tls) => front.setTls(tls),
    explain(ask, requestId) {
      const count = requestIds.count(requestId);
      const noted = count === undefined ? [] : findDecisions(decisions, count, Date.now());
      const records = noted.map((each) =>
        decisionOf(each, { worker: start.slot, requestId, epochMs: each.epochMs, alike: each.alike }),
      );
      tell({ type: 'explained', ask, records });
    },
    leased: (needs) => shared?.leased(needs),
    hear: sockets.hear,
    async drain(deadlineMs) {
      const cut = setTimeout(() => {
        front.destroy();
        sockets.destroy();
      }, deadlineMs);
      await Promise.all([sockets.drain(), front.drain()]);
      clearTimeout(cut);
      // Whose caller has gone: over the connection that brought it nobody waits for it any more.
      await shared?.idle();
      await networks.close(0);
      clearInterval(heart);
      commit();
      journal.close();
      beat();
      tell({ type: 'drained' });
    },
  };
}

function samples({ explain, logging }: PolicySnapshot): number {
  const kept = explain.sample > 0 && Math.random() < explain.sample ? sampled.explain : 0;
  return logging.accessSample > 0 && Math.random() < logging.accessSample ? kept | sampled.log : kept;
}

function ringOf({ explain }: PolicySnapshot): Decisions {
  return createDecisions(explain.maxRecords, explain.keepMs);
}

function settingsOf(snapshot: PolicySnapshot, bans: BanReader): HttpSettings {
  const { server, identity } = snapshot;
  const proxies = createTrustedProxies(server.trustedProxies);
  return {
    ...server,
    countedAs: (address) =>
      proxies.trusts(address) ? undefined : callerOfAddress(address, identity.ipv6Prefix)?.bytes,
    isBanned: createPeerCheck(snapshot, bans),
  };
}
