import { type FakeUpstream, startFakeUpstream, type Vice } from '../../../test/fakes/upstream.ts';
import { compile, createConfig, createRegistries, type Registries } from '../../config/index.ts';
import { createConnectionMemory, type TlsFiles } from '../../http/index.ts';
import { createHash64, createLimitsMemory, createRuleVersions } from '../../limits/index.ts';
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
import type { DecisionRecord } from '../decision.ts';
import { createDryRun, type DryRunAsk } from '../dry-run.ts';
import type { FromWorker, LogLine } from '../messages.ts';
import { createWorkerGateway } from '../worker-gateway.ts';
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
  }: TestGatewayOptions = {},
): Promise<TestGateway> {
  const node = await startFakeUpstream({ vice });
  const seed = Uint32Array.of(1, 2, 3, 4);
  const limits = createLimitsMemory({ entries: 4096, quotaSlots: 1024, seed });
  const registries = createRegistries({
    versions: createRuleVersions(limits),
    hash64: createHash64(seed),
    quotaSlots: 1024,
  });
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
      slab,
      figures: memory,
      connections: createConnectionMemory(1),
      listen: { host: '127.0.0.1', port: 0, reusePort: false },
      tls: tls ?? null,
      journal,
      sharedReads,
    },
    (message) => {
      told.push(message);
      if (message.type === 'hub') hub.hear(message.message);
    },
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
    explain: (answer) => explain(String(answer.headers['x-request-id'])),
    explainId: explain,
    foresee: (ask) => createDryRun(snapshot, limits)(ask),
    counter: (name) => figures.totals().counters[name],
    counted: (column) => figures.methods.total()[callAt[column]]!,
    figures,
    logLines,
    drain: (deadlineMs) => gateway.drain(deadlineMs),
  };
}

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
