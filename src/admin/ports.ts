import type { MetricsFormat } from '../metrics/index.ts';
import type { Identity, Methods, Scope, Summary, Top, TopOrder } from './stats/index.ts';

/** What the admin listener needs of the program around it. Control implements it; tests use small fakes. */
export interface AdminPorts {
  /** The id this process answers its health checks with, so that an upstream that is ourselves is found out. */
  instanceId: string;
  /** The state now. Must be cheap: probes ask every few seconds. */
  readiness(): Readiness;
  explain: ExplainPort;
  /** Open WebSockets and what they are subscribed to; plain data that this room only passes on. */
  sockets(filter: SocketFilter): SocketsReply;
  /** The blocklist; users, keys, plans, usage and invoices, where the config keeps a store. */
  operations: OperationsPort;
  /** The page of `/metrics` now, in some milliseconds at most. */
  metrics(format: MetricsFormat): string;
  stats: StatsPort;
}

/** What was counted since the start, from memory. `scope`: default `cluster` where there is a Redis. None rejects where it is away. */
export interface StatsPort {
  summary(scope?: Scope): Promise<Summary>;
  methods(scope?: Scope): Promise<Methods>;
  top(by: TopOrder, limit: number, scope?: Scope): Promise<Top>;
  /** By id, name or prefix of a key, or by address. `why` never repeats what was asked: it may be a key. */
  identity(ref: string, scope?: Scope): Promise<Identity | { several: boolean; why: string }>;
  /** Whose usage the ledger keeps. */
  ledgerScope: Scope;
}

/** What `polymorph users`, `keys`, `blocklist` and the like ask of a running gateway. */
export interface OperationsPort {
  /** Does it and gives plain data. `peer`: the address that asks. Rejects with AccountsError for all that is foreseen. */
  run(name: string, input: unknown, peer?: string): Promise<unknown>;
}

/** Only sockets that agree in all that is given. */
export interface SocketFilter {
  keyName?: string;
  address?: string;
  network?: string;
}

export interface SocketsReply {
  /** How many there are; `sockets` holds the first of them. */
  total: number;
  sockets: object[];
  feeds: object[];
}

export interface Readiness {
  /** `degraded`: some workers are away, the others serve; still counts as ready. */
  status: 'starting' | 'ready' | 'degraded' | 'draining' | 'failed';
  /** One entry a dependency; `detail` is for operators and shown only to those who may see it. */
  checks: ReadinessCheck[];
}

export interface ReadinessCheck {
  name: string;
  status: 'up' | 'degraded' | 'down';
  detail: Record<string, unknown>;
}

/** What a dry run is asked. Exactly one of the caller fields may be given; none means an unknown address. */
export interface ExplainAsk {
  keySha256?: string;
  keyName?: string;
  address?: string;
  network?: string;
  method: string;
}

/** Decision records are plain data that this room only passes on. */
export interface ExplainReply {
  kind: 'recorded' | 'dry-run';
  requestId: string | null;
  records: object[];
  /** How many workers were asked and how many answered in time; a missing one may have held the record. */
  workers: { asked: number; answered: number };
}

export interface ExplainPort {
  /** Asks every worker; never rejects, never takes longer than its bound (about half a second). */
  byRequestId(requestId: string): Promise<ExplainReply>;
  /** Decides without taking anything. A value says why the question cannot be answered (unknown network or key name). */
  dryRun(ask: ExplainAsk): Promise<ExplainReply | { unanswerable: string }>;
}
