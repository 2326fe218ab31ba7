import type { UpstreamPolicy } from '../../config/index.ts';
import { createTurn, type Turn } from '../../http/index.ts';
import type { UpstreamCall, UpstreamDeps, UpstreamFailure, UpstreamObserver } from '../call.ts';

/** A policy for a node on a port of this machine, with deadlines short enough for tests. */
export function policyFor(port: number, over: Partial<UpstreamPolicy> = {}): UpstreamPolicy {
  return {
    index: 0,
    slot: 0,
    tier: 'primary',
    weight: 1,
    name: 'node',
    url: `http://127.0.0.1:${port}/`,
    host: '127.0.0.1',
    port,
    path: '/',
    tls: false,
    hostHeader: `127.0.0.1:${port}`,
    http2: false,
    ca: null,
    authorization: null,
    headers: [],
    mode: 'single',
    maxIdle: 50,
    idleTimeoutMs: 90_000,
    maxConnections: 64,
    connectTimeoutMs: 300,
    firstByteTimeoutMs: 300,
    timeoutMs: 600,
    maxResponseBytes: 200_000,
    batch: { maxSize: 50, maxBytes: 100_000, maxWaitMs: 0 },
    maxInFlight: 0,
    requestsPerSecond: 0,
    methods: { allowed: [], denied: [] },
    archive: true,
    ws: null,
    ...over,
  };
}

/** Tells each call what is told of it. */
export const passingOn: UpstreamObserver = {
  answered(_upstream, call, bytes, { start, end, idStart, idEnd, errorStart }) {
    call.answered(bytes, start, end, idStart, idEnd, errorStart >= 0);
  },
  failed(_upstream, call, failure) {
    call.failed(failure);
  },
};

export function testDeps(over: Partial<UpstreamDeps> = {}): UpstreamDeps {
  const turn: Turn = createTurn(() => {});
  const now = (): number => Math.floor(performance.now() * 1000);
  return { turn, now, observer: passingOn, ...over };
}

export type Outcome =
  | { kind: 'answered'; text: string; id: string; isError: boolean; inside: boolean; ms: number }
  | { kind: 'failed'; failure: UpstreamFailure; inside: boolean; ms: number };

export interface CallerOptions {
  safe?: boolean;
  cheap?: boolean;
  notification?: boolean;
  id?: string;
  /** JSON text of the first param. */
  nonce?: string;
}

let nonces = 0;

/** One caller's call, and everything that was told about it. */
export class Caller implements UpstreamCall {
  bytes: Buffer;
  start: number;
  end: number;
  idStart = -1;
  idEnd = -1;
  safe: boolean;
  cheap: boolean;
  method = 'eth_call';
  retry: UpstreamCall['retry'] = 'safe';
  critical = false;
  caller = 0;
  text = '';
  idAt = -1;
  idTo = -1;
  readonly traced = false;
  via = -1;
  attempts = 0;
  trace: UpstreamCall['trace'] = null;
  readonly nonce: string;
  readonly outcomes: Outcome[] = [];
  readonly settled: Promise<Outcome>;
  /** True while the test is inside `send`. */
  sending = false;
  sentAt = 0;
  private readonly madeAt = performance.now();
  private settle!: (outcome: Outcome) => void;

  constructor({
    safe = true,
    cheap = true,
    notification = false,
    id = '"the caller\'s"',
    nonce,
  }: CallerOptions = {}) {
    this.nonce = nonce ?? `"nonce-${++nonces}"`;
    const before = '  {"jsonrpc":"2.0"';
    const member = notification ? '' : `,"id":${id}`;
    this.bytes = Buffer.from(`${before}${member},"method":"eth_call","params":[${this.nonce}]}  `);
    this.start = 2;
    this.end = this.bytes.length - 2;
    if (!notification) {
      this.idStart = before.length + ',"id":'.length;
      this.idEnd = this.idStart + Buffer.byteLength(id);
    }
    this.safe = safe;
    this.cheap = cheap;
    this.settled = new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  answered(
    bytes: Buffer,
    start: number,
    end: number,
    idStart: number,
    idEnd: number,
    isError: boolean,
  ): void {
    const text = bytes.toString('utf8', start, end);
    this.note({
      kind: 'answered',
      text,
      id: bytes.toString('latin1', idStart, idEnd),
      isError,
      ...this.when(),
    });
  }

  failed(failure: UpstreamFailure): void {
    this.note({ kind: 'failed', failure, ...this.when() });
  }

  /** What the answer says the result is; undefined if it failed. */
  get result(): string | undefined {
    const outcome = this.outcomes[0];
    if (outcome?.kind !== 'answered') return undefined;
    return JSON.stringify((JSON.parse(outcome.text) as { result: unknown }).result);
  }

  /** Why it failed, '' if it did not. */
  get reason(): string {
    const outcome = this.outcomes[0];
    return outcome?.kind === 'failed' ? `${outcome.failure.code}: ${outcome.failure.reason}` : '';
  }

  private when(): { inside: boolean; ms: number } {
    return { inside: this.sending, ms: performance.now() - this.madeAt };
  }

  private note(outcome: Outcome): void {
    this.outcomes.push(outcome);
    // Buffers given to a call are good only while it is told: nothing may be read from them later.
    this.bytes = Buffer.alloc(0);
    this.settle(outcome);
  }
}

/** Sends a call, then spoils its bytes, which the pool must have copied. */
export function sendTo(upstream: { send(call: UpstreamCall): void }, options: CallerOptions = {}): Caller {
  const caller = new Caller(options);
  caller.sending = true;
  upstream.send(caller);
  caller.sending = false;
  caller.bytes.fill(0x20);
  return caller;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
