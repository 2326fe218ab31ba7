import type { AnswerCall, AnswerSource } from '../answer/index.ts';
import type { MessageScan, RefusalCode, RefusalDetail } from '../jsonrpc/index.ts';
import { outcomes } from '../limits/index.ts';
import type { DeliveryTrace, UpstreamCall, UpstreamFailure } from '../upstream/index.ts';
import type { Session } from '../websocket/index.ts';
import type { CallContext } from './context.ts';
import type {
  ChainReading,
  DecisionSource,
  QuotaReading,
  SharingReading,
} from './decisions/decision-source.ts';
import type { LimitPlan } from './limit/limit-plan.ts';
import type { MethodFacts } from './policy.ts';

/** The request that calls belong to, as they see it. */
export interface CallOwner {
  readonly context: CallContext;
  readonly request: number;
  readonly callerRequestId: string | undefined;
  /** Monotonic microseconds at which the request was whole. */
  readonly startedAt: number;
  /** The WebSocket that brought it; null over HTTP, and once it is answered. */
  readonly session: Session | null;
  /** Runs `then` once the answer to the whole request is on its way. */
  afterAnswer(then: () => void): void;
  errorText(id: string, code: RefusalCode, data?: RefusalDetail['data'], message?: string): string;
  /** Called by each call once, when it has its answer or refusal. */
  ended(call: Call): void;
}

/** Why a call is noted although it passes; bits. */
export const sampled = { explain: 1, log: 2 } as const;

const nothing = Buffer.alloc(0);

/**
 * One JSON-RPC call, whichever transport brought it: an HTTP body or an item of a batch. The stages fill it
 * in, in order; it ends exactly once, with an answer or a refusal, and then tells its exchange.
 */
export class Call implements UpstreamCall, AnswerCall<DeliveryTrace>, DecisionSource {
  readonly owner: CallOwner;
  readonly context: CallContext;
  readonly request: number;
  readonly startedAt: number;
  /** Position in its batch, -1 for a call of its own. */
  readonly item: number;
  /** Bits of `sampled`. */
  readonly sampled: number;
  /** The id's raw JSON as latin1 text; '' for a notification. */
  id = '';
  method = '';
  /** In tokens. */
  cost = 0;
  facts: MethodFacts | null = null;
  plan: LimitPlan | null = null;
  /** One of the limits' `outcomes`. */
  outcome: number = outcomes.allowed;
  /** Tokens left in the bucket of the rule that matched. */
  remaining = 0;
  reading: ChainReading | null = null;
  sharing: SharingReading | null = null;
  waited = 0;
  quota: QuotaReading | null = null;
  userQuota: QuotaReading | null = null;
  /** Its quotas hold its cost, which is given back if it fails. */
  charged = false;
  refusal: RefusalCode | null = null;
  reason: string | null = null;
  retryAfterMs = 0;
  /** Monotonic microseconds; 0: never written to a node. */
  sentAt = 0;
  answeredAt = 0;
  isError = false;
  failure: UpstreamFailure | null = null;
  /** The answer: latin1 text, bytes where it is large, '' for none. */
  answer: string | Buffer = '';
  source: AnswerSource = 'upstream';

  // What the upstream reads while it takes the call.
  bytes: Buffer = nothing;
  start = 0;
  end = 0;
  idStart = -1;
  idEnd = -1;
  paramsStart = -1;
  paramsEnd = -1;
  safe = false;
  cheap = false;
  retry: UpstreamCall['retry'] = 'never';
  critical = false;
  text = '';
  idAt = -1;
  idTo = -1;
  via = -1;
  attempts = 0;
  trace: DeliveryTrace | null = null;

  constructor(owner: CallOwner, item: number, sampled: number) {
    this.owner = owner;
    this.context = owner.context;
    this.request = owner.request;
    this.startedAt = owner.startedAt;
    this.item = item;
    this.sampled = sampled;
  }

  get caller(): number {
    return this.context.caller.lo;
  }

  get traced(): boolean {
    return this.sampled !== 0;
  }

  get callerRequestId(): string | undefined {
    return this.owner.callerRequestId;
  }

  get hasFailed(): boolean {
    return this.failure !== null;
  }

  /** Takes the ranges of a request that was found sound. */
  read(bytes: Buffer, scan: MessageScan, method: string): void {
    this.bytes = bytes;
    this.start = scan.start;
    this.end = scan.end;
    this.idStart = scan.idStart;
    this.idEnd = scan.idEnd;
    this.paramsStart = scan.paramsStart;
    this.paramsEnd = scan.paramsEnd;
    this.id = scan.idStart < 0 ? '' : rawId(bytes, scan.idStart, scan.idEnd);
    this.method = method;
  }

  /** Lets go of the request's buffer, once the stages have taken what they need. */
  release(): void {
    this.bytes = nothing;
  }

  answered(
    bytes: Buffer,
    start: number,
    end: number,
    idStart: number,
    idEnd: number,
    isError: boolean,
  ): void {
    this.isError = isError;
    if (this.id !== '' && end > start) this.answer = withId(bytes, start, end, idStart, idEnd, this.id);
    this.owner.ended(this);
  }

  /** The same for an answer that is there as text: what stands before and after its id. */
  answeredText(before: string, after: string, isError: boolean): void {
    this.isError = isError;
    if (this.id !== '') this.answer = before + this.id + after;
    this.owner.ended(this);
  }

  failed(failure: UpstreamFailure): void {
    this.failure = failure;
    this.retryAfterMs = failure.retryAfterMs ?? 0;
    this.refuse(failure.code, failure.reason);
  }

  /** Ends the call with an entry of the error table. `reason` is for operators only. */
  refuse(code: RefusalCode, reason: string | null, data?: RefusalDetail['data'], message?: string): void {
    this.refusal = code;
    this.reason = reason;
    if (this.id !== '') this.answer = this.owner.errorText(this.id, code, data, message);
    this.owner.ended(this);
  }
}

/** Most ids are small numbers: making their text from the number takes 20 ns, from the buffer 65. */
function rawId(bytes: Buffer, start: number, end: number): string {
  if (end - start > 9 || (bytes[start] === 0x30 && end - start > 1))
    return bytes.toString('latin1', start, end);
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return bytes.toString('latin1', start, end);
    value = value * 10 + digit;
  }
  return `${value}`;
}

/** Answers from this size on travel as bytes: text of that length costs more than it saves. */
const LARGE_ANSWER_BYTES = 32 * 1024;

function withId(
  bytes: Buffer,
  start: number,
  end: number,
  idStart: number,
  idEnd: number,
  id: string,
): string | Buffer {
  if (end - start < LARGE_ANSWER_BYTES) {
    // One copy out of the buffer, then slices of it: 30 ns less than two copies.
    const text = bytes.toString('latin1', start, end);
    return text.slice(0, idStart - start) + id + text.slice(idEnd - start);
  }
  const answer = Buffer.allocUnsafe(end - start - (idEnd - idStart) + id.length);
  let at = bytes.copy(answer, 0, start, idStart);
  at += answer.write(id, at, 'latin1');
  bytes.copy(answer, at, idEnd, end);
  return answer;
}
