import type { Reply } from '../http/index.ts';
import { joinAnswers, type RefusalCode, type RefusalDetail, refusals } from '../jsonrpc/index.ts';
import type { Call, CallOwner } from './call.ts';
import type { Session } from '../websocket/index.ts';
import type { CallContext, CallLane } from './context.ts';
import type { DecisionSource } from './decisions/decision-source.ts';
import { limitHeaderLines } from './limit/limit-headers.ts';

/** What an exchange tells the worker when calls end. */
export interface ExchangeSink {
  /** Once for each call, when it ends and before the exchange is answered. */
  record(call: Call): void;
  /** A request was refused before any call was found in it. */
  turnedAway(source: DecisionSource): void;
  /** A request in which calls were found: how many of a batch, null for one of its own. */
  request(lane: CallLane, items: number | null): void;
  /** An answer found its caller gone. */
  unread(): void;
}

/** Answers of one batch together, in bytes: what one caller may make us hold. */
const BATCH_ANSWER_BYTES_MAX = 256 << 20;

/** One HTTP request or WebSocket message with its call or its batch of calls, until the last of them is answered. */
export class Exchange implements CallOwner {
  readonly context: CallContext;
  readonly request: number;
  readonly requestId: string;
  readonly callerRequestId: string | undefined;
  readonly startedAt: number;
  session: Session | null;
  private readonly sink: ExchangeSink;
  private after: (() => void)[] | null = null;
  private reply: Reply | null;
  private calls: Call[] | null = null;
  private waiting = 1;
  private answerBytes = 0;

  constructor(
    context: CallContext,
    id: { request: number; requestId: string; callerRequestId: string | undefined; startedAt: number },
    sink: ExchangeSink,
    reply: Reply,
    session: Session | null,
  ) {
    this.context = context;
    this.request = id.request;
    this.requestId = id.requestId;
    this.callerRequestId = id.callerRequestId;
    this.startedAt = id.startedAt;
    this.sink = sink;
    this.reply = reply;
    this.session = session;
  }

  afterAnswer(then: () => void): void {
    (this.after ??= []).push(then);
  }

  /** Makes this the exchange of a batch: it is answered when all of `calls` have ended. */
  expect(calls: Call[]): void {
    this.calls = calls;
    this.waiting = calls.length;
  }

  errorText(id: string, code: RefusalCode, data?: RefusalDetail['data'], message?: string): string {
    return this.context.policy.errorAnswer(id, code, { requestId: this.requestId, data, message });
  }

  ended(call: Call): void {
    if (this.calls !== null) this.bound(call);
    this.sink.record(call);
    if (--this.waiting > 0) return;
    if (this.calls === null) this.answerOne(call);
    else this.answerBatch(this.calls);
  }

  private answerOne(call: Call): void {
    const status = call.refusal === null ? 200 : refusals[call.refusal].http;
    const headers = this.headers(call, call.answer !== '') + retryAfterLine(status, call.retryAfterMs);
    this.send(status === 200 && call.answer === '' ? 204 : status, headers, call.answer);
    call.answer = '';
  }

  private answerBatch(calls: Call[]): void {
    const status = batchStatus(calls);
    const body = joinAnswers(calls.map((call) => (call.answer === '' ? undefined : call.answer)));
    const headers =
      this.headers(tightest(calls), body !== undefined) + retryAfterLine(status, longestWait(calls));
    this.send(body === undefined && status === 200 ? 204 : status, headers, body ?? '');
    for (const call of calls) call.answer = '';
    this.calls = null;
  }

  /** Lets go of the connection: a call whose decision is kept must not keep a socket. */
  private send(status: number, headers: string, body: string | Buffer): void {
    if (this.reply!.abandoned) this.sink.unread();
    this.reply!.send(status, headers, body);
    this.reply = null;
    this.session = null;
    if (this.after === null) return;
    for (const then of this.after) then();
    this.after = null;
  }

  private headers(limited: Call | undefined, hasBody: boolean): string {
    // A message has none.
    if (this.session !== null) return '';
    const type = hasBody ? 'Content-Type: application/json\r\nX-Request-Id: ' : 'X-Request-Id: ';
    const id = `${type}${this.requestId}\r\n${this.context.corsLines}`;
    const plan = limited?.plan;
    if (!plan?.lines || limited === undefined) return id;
    return id + limitHeaderLines(plan.lines, plan.rule!, limited.remaining);
  }

  /** A batch whose answers grow beyond all measure gets errors in place of the rest. */
  private bound(call: Call): void {
    this.answerBytes += call.answer.length;
    if (this.answerBytes <= BATCH_ANSWER_BYTES_MAX || call.refusal !== null) return;
    this.answerBytes -= call.answer.length;
    const reason = 'answers of the batch too large together';
    call.failure = { code: 'upstream_invalid', kind: 'oversized', reason, delivered: 'maybe' };
    call.refusal = 'upstream_invalid';
    call.reason = reason;
    call.answer = this.errorText(call.id, 'upstream_invalid');
  }
}

/** The status that all items share where all were refused, else 200. */
function batchStatus(calls: Call[]): number {
  const first = calls[0]!.refusal;
  if (first === null) return 200;
  const status = refusals[first].http;
  return calls.every((call) => call.refusal !== null && refusals[call.refusal].http === status)
    ? status
    : 200;
}

/** Of a batch's calls, the one whose bucket is fullest used: its limit is what the caller meets next. */
function tightest(calls: Call[]): Call | undefined {
  let found: Call | undefined;
  for (const call of calls) {
    if (!call.plan?.rule) continue;
    if (found === undefined || shareLeft(call) < shareLeft(found)) found = call;
  }
  return found;
}

function shareLeft(call: Call): number {
  return call.remaining / call.plan!.rule!.capacity;
}

function longestWait(calls: Call[]): number {
  return calls.reduce((longest, call) => Math.max(longest, call.retryAfterMs), 0);
}

/**
 * Whole seconds, at least one: RFC 9110, 10.2.3. None where waiting never helps: a cost above the whole bucket.
 *
 * The leading zero is for ethers 6: it takes a Retry-After that begins with 1 to 9 for milliseconds, tries twelve times
 * in a blink and gives up; what it does not read it answers with its own exponential back-off. 1*DIGIT allows it, and
 * viem, curl and whatever else reads a decimal number read the same as without.
 */
function retryAfterLine(status: number, waitMs: number): string {
  if ((status !== 429 && status !== 503) || waitMs === Number.POSITIVE_INFINITY) return '';
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return `Retry-After: 0${seconds}\r\n`;
}
