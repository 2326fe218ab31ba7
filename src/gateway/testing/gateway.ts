import { type FakeUpstream, startFakeUpstream, type Vice } from '../../../test/fakes/upstream.ts';
import { createBanMemory, openBanWriter, readPrefix } from '../../admission/index.ts';
import {
  compile,
  createConfig,
  createRegistries,
  type KeySetText,
  type QuotaPolicy,
  type Registries,
} from '../../config/index.ts';
import { createConnectionMemory, type TlsFiles } from '../../http/index.ts';
import {
  createKeyIndexReader,
  createKeyIndexWriter,
  createSharedTexts,
  digestOfKey,
  hashKey,
  readSharedText,
  uuidBytes,
} from '../../identity/index.ts';
import {
  createHash64,
  createLimitsMemory,
  createRuleVersions,
  type LimitsMemory,
} from '../../limits/index.ts';
import {
  type CallColumn,
  callAt,
  type CounterName,
  createCounterSlab,
  createFigures,
  createFiguresMemory,
  type Figures,
} from '../../metrics/index.ts';
import { createBoardMemory } from '../../upstream/index.ts';
import type { DecisionRecord } from '../decisions/decision.ts';
import { createDryRun, type DryRunAsk } from '../decisions/dry-run.ts';
import type { FromWorker, LogLine } from '../messages.ts';
import { createWorkerGateway, type SharingParts } from '../worker-gateway.ts';
import { createTestHub, type TestHub } from './hub.ts';
import { callText, send as sendHttp, type TestAnswer, type TestRequest } from './client.ts';
import { createSocketSender, type Transport } from './transport.ts';

/** One worker's data plane in this thread, in front of a fake node, behind its real listener. */
export interface TestGateway {
  readonly port: number;
  readonly node: FakeUpstream;
  send(request: TestRequest): Promise<TestAnswer>;
  /** A call of `method`; `over` says the rest. */
  call(method?: string, over?: TestRequest): Promise<TestAnswer>;
  /** Swaps the policy, as a reload does. */
  apply(config: object): void;
  /** Bans it as main does, or (false) lifts the ban. */
  ban(prefix: string, over?: boolean): void;
  /** Makes these keys of the config one user's, whose quota is counted in this slot: as keys of a store may be. */
  giveUser(keys: readonly string[], userSlot: number, quota: QuotaPolicy): void;
  /** What explain says of an answer's request, by its `X-Request-Id`. */
  explain(answer: TestAnswer): DecisionRecord[];
  explainId(requestId: string): DecisionRecord[];
  foresee(ask: DryRunAsk): DecisionRecord | undefined;
  counter(name: CounterName): number;
  /** Of all methods. */
  counted(column: CallColumn): number;
  readonly figures: Figures;
  /** Everything this worker told main. */
  readonly told: readonly FromWorker[];
  /** Lines it asked main to log. */
  logLines(): LogLine[];
  /** In place of main's. */
  readonly hub: TestHub;
  drain(deadlineMs: number): Promise<void>;
  /** As main says that it has seen to needs of leases. */
  leased(needs: readonly number[]): void;
  /** What main writes leases into. */
  readonly limits: LimitsMemory;
}

const opened: (() => Promise<unknown>)[] = [];

/** Ends what this file's tests started; for `afterEach` or `afterAll`. */
export async function closeGateways(): Promise<void> {
  for (const close of opened.splice(0).toReversed()) await close();
}

export interface TestGatewayOptions {
  vice?: Vice;
  slot?: number;
  sharedReads?: boolean;
  tls?: TlsFiles;
  /** Counters to write to. */
  slab?: SharedArrayBuffer;
  /** What `send` and `call` go by. Default: HTTP. */
  transport?: Transport;
  /** Its buckets are those of several instances. */
  shared?: SharingParts;
  /** Default: none. */
  journal?: { folder: string; run: string } | null;
}

/**
 * Starts a gateway of `config` (the file's shape; `upstreams` is the fake node's unless written). All decisions are kept
 * and logged, so that tests may look at them.
 */
export async function startTestGateway(
  config: object = {},
  {
    vice,
    slot = 0,
    sharedReads,
    transport = 'http',
    slab = createCounterSlab(),
    tls,
    journal = null,
    shared,
  }: TestGatewayOptions = {},
): Promise<TestGateway> {
  const node = await startFakeUpstream({ vice });
  const seed = Uint32Array.of(1, 2, 3, 4);
  // Nobody lends anything where only answers are shared.
  const leases = shared !== undefined && shared.answers === undefined;
  const limits = createLimitsMemory({ entries: 4096, quotaSlots: 1024, seed, shared: leases });
  const registries = createRegistries({
    versions: createRuleVersions(limits),
    hash64: createHash64(seed),
    quotaSlots: 1024,
  });
  const bans = createBanMemory(1000, seed);
  const banWriter = openBanWriter(bans, 1000);
  let snapshot = snapshotOf(config, node, registries);
  const told: FromWorker[] = [];
  const memory = createFiguresMemory(1024);
  const figures = createFigures([slab], [memory]);
  const gateway = createWorkerGateway(
    {
      slot,
      start: 0,
      workers: 1,
      instanceId: 'test-instance',
      bootId: 'boot',
      snapshot,
      limits,
      board: createBoardMemory(),
      bans,
      slab,
      figures: memory,
      connections: createConnectionMemory(1),
      listen: { host: '127.0.0.1', port: 0, reusePort: false },
      tls: tls ?? null,
      journal,
      redis: null,
      sharedReads,
    },
    (message) => {
      told.push(message);
      if (message.type === 'hub') hub.hear(message.message);
    },
    shared,
  );
  const hub = createTestHub((message) => gateway.hear(message));
  await gateway.listen();
  const ready = told.find((message) => message.type === 'ready');
  const port = ready?.port ?? 0;
  let asks = 0;
  opened.push(async () => {
    await gateway.drain(0);
    await node.close();
  });

  const explain = (requestId: string): DecisionRecord[] => {
    gateway.explain((asks += 1), requestId);
    const last = told.at(-1);
    return last?.type === 'explained' ? last.records : [];
  };

  const logLines = (): LogLine[] => told.flatMap((message) => (message.type === 'log' ? message.lines : []));
  const send =
    transport === 'http'
      ? (request: TestRequest) => sendHttp(port, request)
      : createSocketSender({ port, hub, logLines, explain });

  return {
    port,
    node,
    told,
    hub,
    send,
    call: (method = 'eth_call', over = {}) => send({ body: callText(method), ...over }),
    apply(next) {
      snapshot = snapshotOf(next, node, registries);
      gateway.apply(snapshot);
    },
    ban(prefix, over = true) {
      const { network } = readPrefix(prefix)!;
      if (over) banWriter.put(network, 0);
      else banWriter.remove(network);
      banWriter.publish();
    },
    giveUser(keys, userSlot, quota) {
      const reader = createKeyIndexReader(snapshot.keyIndex);
      const writer = createKeyIndexWriter(snapshot.keyIndex);
      const texts = createSharedTexts();
      for (const key of keysOf(config)) {
        const slot = reader.find(digestOfKey(key));
        const old = reader.ruleSet(slot);
        const set = old === 0 ? emptySet : JSON.parse(readSharedText(snapshot.keySets, old));
        const mine = keys.includes(key);
        const ruleSet = texts.put(JSON.stringify(mine ? { ...set, userQuota: quota } : set));
        writer.put({
          ...{ sha256: hashKey(key), id: uuidBytes(reader.keyId(slot)), prefix: reader.prefix(slot) },
          ...{ keyNumber: reader.keyNumber(slot), ruleSet, userSlot: mine ? userSlot : -1 },
          ...{ enabled: true, expiresAtMs: 0, quota: true },
        });
      }
      snapshot = { ...snapshot, keySets: texts.memory };
      gateway.apply(snapshot);
    },
    explain: (answer) => explain(String(answer.headers['x-request-id'])),
    explainId: explain,
    foresee: (ask) => createDryRun(snapshot, limits, bans)(ask),
    counter: (name) => figures.totals().counters[name],
    counted: (column) => figures.methods.total()[callAt[column]]!,
    figures,
    logLines,
    drain: (deadlineMs) => gateway.drain(deadlineMs),
    leased: gateway.leased,
    limits,
  };
}

const emptySet: KeySetText = {
  ...{ methods: [], groups: [], all: [], quota: null, userQuota: null, websocket: null },
};

const keysOf = (config: object): string[] =>
  ((config as { keys?: { key: string }[] }).keys ?? []).map(({ key }) => key);

function snapshotOf(config: object, node: FakeUpstream, registries: Registries): ReturnType<typeof compile> {
  const { networks, upstreams, ...rest } = config as { networks?: object; upstreams?: object };
  const value = {
    ...(networks === undefined
      ? { upstreams: upstreams ?? [{ url: node.url }] }
      : { networks: filled(networks, node) }),
    explain: { sample: 1 },
    logging: { access_sample: 1 },
    ...rest,
  };
  const result = createConfig(value, { name: 'test', directory: '/' });
  if (!result.ok) throw new Error(result.problems.map((problem) => JSON.stringify(problem)).join('\n'));
  return compile(result.config, registries);
}

/** Networks of which only the path is written are the fake node's. */
function filled(networks: object, node: FakeUpstream): object {
  return Object.fromEntries(
    Object.entries(networks).map(([name, network]) => [name, { upstreams: [{ url: node.url }], ...network }]),
  );
}

/** A rule whose bucket holds `tokens` and does not refill while a test runs. */
export function bucketOf(tokens: number, burst = 0): object {
  return { requests: tokens - burst, period: '24h', burst_size: burst };
}
