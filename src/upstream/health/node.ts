import type { UpstreamPolicy } from '../../config/index.ts';
import { createTurn } from '../../http/index.ts';
import type { DeliveryTrace, FailureKind, UpstreamCall, UpstreamFailure } from '../call.ts';
import { createUpstream } from '../upstream.ts';

/** What a node said to a question. `value` is parsed JSON; `reason` is for logs and holds nothing that the node wrote. */
export type Told =
  | { kind: 'result'; value: unknown }
  | { kind: 'error'; code: number; throttled: boolean }
  | { kind: 'failed'; failure: FailureKind; reason: string };

/** One upstream as the checks, and the hub of subscriptions, see it: asked over connections of their own. */
export interface Node {
  /** Resolves within the health policy's timeout; never rejects. `params` is JSON text. */
  ask(method: string, params: string): Promise<Told>;
  /** Another policy for the same address, or another timeout. */
  update(policy: UpstreamPolicy, timeoutMs: number): void;
  close(): Promise<void>;
}

/** A check's two or three questions, and one of the head tracker beside them. */
const CONNECTIONS_MAX = 4;
/** Of a block with the hashes of its transactions; far above any chain's. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/**
 * @param answerBytesMax longest answer; that of checks unless said otherwise
 * @throws TypeError for headers that cannot be sent
 */
export function createNode(
  policy: UpstreamPolicy,
  timeoutMs: number,
  answerBytesMax = ANSWER_BYTES_MAX,
): Node {
  const upstream = createUpstream(policyOfChecks(policy, timeoutMs, answerBytesMax), {
    turn: createTurn(() => {}),
    now: () => performance.now() * 1000,
    observer: {
      answered: (_, call, bytes, { start, end, idStart, idEnd, errorStart }) =>
        call.answered(bytes, start, end, idStart, idEnd, errorStart >= 0),
      failed: (_, call, failure) => call.failed(failure),
    },
  });
  return {
    ask: (method, params) => new Promise((resolve) => upstream.send(new Question(method, params, resolve))),
    update: (next, nextTimeoutMs) => upstream.update(policyOfChecks(next, nextTimeoutMs, answerBytesMax)),
    close: () => upstream.close(0),
  };
}

function policyOfChecks(policy: UpstreamPolicy, timeoutMs: number, answerBytesMax: number): UpstreamPolicy {
  return {
    ...policy,
    mode: 'single',
    maxConnections: CONNECTIONS_MAX,
    maxIdle: CONNECTIONS_MAX,
    maxResponseBytes: answerBytesMax,
    connectTimeoutMs: timeoutMs,
    firstByteTimeoutMs: timeoutMs,
    timeoutMs,
    maxInFlight: 0,
    requestsPerSecond: 0,
  };
}

const BEFORE_ID = '{"jsonrpc":"2.0","id":';

/** A question on its way through the transport. */
class Question implements UpstreamCall {
  bytes: Buffer;
  readonly start = 0;
  end: number;
  readonly idStart = BEFORE_ID.length;
  readonly idEnd = BEFORE_ID.length + 1;
  readonly safe = true;
  readonly cheap = false;
  readonly method: string;
  readonly retry = 'safe';
  readonly critical = false;
  readonly caller = 0;
  text = '';
  idAt = -1;
  idTo = -1;
  readonly traced = false;
  via = -1;
  attempts = 0;
  sentAt = 0;
  trace: DeliveryTrace | null = null;
  private readonly tell: (told: Told) => void;

  constructor(method: string, params: string, tell: (told: Told) => void) {
    this.method = method;
    this.bytes = Buffer.from(`${BEFORE_ID}1,"method":${JSON.stringify(method)},"params":${params}}`);
    this.end = this.bytes.length;
    this.tell = tell;
  }

  answered(bytes: Buffer, start: number, end: number): void {
    this.tell(readAnswer(bytes.toString('utf8', start, end)));
  }

  failed({ kind, reason }: UpstreamFailure): void {
    this.tell({ kind: 'failed', failure: kind, reason });
  }
}

/** Providers say "slow down" by these codes, or in words of this kind. */
const throttleCodes = new Set([429, -32005, -32029, -32097]);
const throttleWords = /rate.?limit|too many requests|request limit|capacity|quota/i;

function readAnswer(text: string): Told {
  let answer: { result?: unknown; error?: { code?: unknown; message?: unknown } };
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    return { kind: 'failed', failure: 'answer', reason: 'not JSON' };
  }
  const { error } = answer;
  if (error === undefined || error === null) return { kind: 'result', value: answer.result };
  const code = typeof error.code === 'number' ? error.code : 0;
  return {
    kind: 'error',
    code,
    throttled: throttleCodes.has(code) || throttleWords.test(String(error.message)),
  };
}
