import { onTestFinished } from 'vitest';
import { type FakeUpstream, type FakeExchange, startFakeUpstream } from '../../../test/fakes/upstream.ts';
import type { NetworkPolicy, UpstreamPolicy } from '../../config/index.ts';
import type { UpstreamCall, UpstreamFailure } from '../call.ts';
import { createUpstreamPool, type UpstreamPool, type UpstreamPoolDeps } from '../pool.ts';
import { policyFor } from './caller.ts';
import { networkOf, poolDeps } from './network.ts';

/** How a node of a set answers: `result` or `error` as JSON, or anything else by itself. */
export type Behaviour = (exchange: FakeExchange) => void;

export const says = {
  result:
    (json: string): Behaviour =>
    (x) =>
      x.send(x.http(`{"jsonrpc":"2.0","id":${idOf(x)},"result":${json}}`)),
  error:
    (code: number, message: string): Behaviour =>
    (x) =>
      x.send(x.http(`{"jsonrpc":"2.0","id":${idOf(x)},"error":${JSON.stringify({ code, message })}}`)),
  status:
    (status: string, headers = ''): Behaviour =>
    (x) =>
      x.send(x.http('busy', { status, headers })),
  nothing: (): Behaviour => () => {},
  reset: (): Behaviour => (x) => void x.socket.resetAndDestroy(),
  after:
    (ms: number, then: Behaviour): Behaviour =>
    (x) =>
      void setTimeout(() => then(x), ms),
};

function idOf(exchange: FakeExchange): number {
  return (JSON.parse(exchange.body) as { id: number }).id;
}

/**
 * Nodes `n0`, `n1` … behind one pool, until the test is over. Each is preferred to the next one: its weight is a
 * thousand times as great.
 */
interface NodeSet {
  nodes: FakeUpstream[];
  pool: UpstreamPool;
  network: NetworkPolicy;
  call(over?: Partial<TestCall>): TestCall;
  /** Calls that each node has received. */
  received(): number[];
}

export async function startNodes(
  behaviours: Behaviour[],
  over: Partial<NetworkPolicy> = {},
  deps: Partial<UpstreamPoolDeps> = {},
  policies: Partial<UpstreamPolicy>[] = [],
): Promise<NodeSet> {
  const nodes = await Promise.all(behaviours.map((request) => startFakeUpstream({ vice: { request } })));
  const network = networkOf(
    nodes.map(({ port }, k) =>
      policyFor(port, { name: `n${k}`, weight: 1000 ** (nodes.length - 1 - k), ...policies[k] }),
    ),
    over,
  );
  const pool = createUpstreamPool(network, poolDeps(deps));
  onTestFinished(async () => {
    await pool.close(0);
    await Promise.all(nodes.map((node) => node.close()));
  });
  return {
    nodes,
    pool,
    network,
    call(fields) {
      const call = new TestCall(fields);
      pool.send(call);
      call.bytes.fill(0x20);
      return call;
    },
    received: () => nodes.map((node) => node.bodies.length),
  };
}

/** A call, and what was told of it: the result or error as JSON, or the failure. */
export class TestCall implements UpstreamCall {
  bytes: Buffer;
  start = 0;
  end: number;
  idStart: number;
  idEnd: number;
  safe = true;
  cheap = true;
  method = 'eth_call';
  params = '[]';
  retry: UpstreamCall['retry'] = 'safe';
  critical = false;
  caller = 0;
  traced = false;
  text = '';
  idAt = -1;
  idTo = -1;
  via = -1;
  attempts = 0;
  sentAt = 0;
  trace: UpstreamCall['trace'] = null;
  /** `result …`, `error …`, or `kind: reason`; one for each time it was told. */
  readonly told: string[] = [];
  failure: UpstreamFailure | undefined;
  readonly settled: Promise<string>;
  private settle!: (told: string) => void;

  constructor(over: Partial<TestCall> = {}) {
    Object.assign(this, over);
    const before = '{"jsonrpc":"2.0","id":';
    this.bytes = Buffer.from(`${before}"x","method":"${this.method}","params":${this.params}}`);
    this.end = this.bytes.length;
    this.idStart = before.length;
    this.idEnd = before.length + 3;
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
    const text = `${bytes.toString('latin1', start, idStart)}0${bytes.toString('latin1', idEnd, end)}`;
    const answer = JSON.parse(text) as { result?: unknown; error?: unknown };
    if (isError !== 'error' in answer) throw new Error(`told wrongly: ${text}`);
    this.tell(isError ? `error ${JSON.stringify(answer.error)}` : `result ${JSON.stringify(answer.result)}`);
  }

  failed(failure: UpstreamFailure): void {
    this.failure = failure;
    this.tell(`${failure.code}: ${failure.reason}`);
  }

  private tell(what: string): void {
    this.told.push(what);
    this.settle(what);
  }
}
