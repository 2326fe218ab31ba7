import type { Sent, Stamp } from './lifetime.ts';
import type { Plan } from './plans.ts';
import type { AnswerCall, AnswerFailure, SentCall } from './ports.ts';

/** Who is told how a flight ended: one of the two, once. */
export interface FlightEnd<Trace> {
  landed(
    flight: Flight<Trace>,
    bytes: Buffer,
    start: number,
    end: number,
    idStart: number,
    idEnd: number,
    isError: boolean,
    resultStart: number,
  ): void;
  crashed(flight: Flight<Trace>, failure: AnswerFailure): void;
}

export interface SpareText {
  text: string;
  idAt: number;
  idTo: number;
}

/** One call to the pool that stands for several of callers, or whose answer will be kept. */
export class Flight<Trace> implements SentCall<Trace>, Sent {
  readonly key: string;
  /** See `keyOf`. */
  readonly hash: number;
  readonly plan: Plan;
  lifetime: number;
  readonly height: number;
  readonly stamp: Stamp;
  /** Monotonic microseconds at which the state that it asks for was at the latest. */
  readonly askedAt: number;
  /** The call it was made of; null once that has ended by itself. */
  leader: AnswerCall<Trace> | null;
  /** Identical calls that joined it; null: none did. */
  riders: AnswerCall<Trace>[] | null = null;
  /** The call's text once more, of the first that joined or its own, for when it is sent later or again. */
  spare: SpareText | null = null;
  /** Of the room's policies: its answer is not kept under another. */
  readonly generation: number;
  /** Others may find it by its key. */
  listed = false;
  /** Calls off what watches its riders' deadlines; a second flight has it. */
  callOff: (() => void) | null = null;
  /** Others of its kind failed before it: it is not tried again. */
  readonly second: boolean;

  bytes: Buffer;
  start: number;
  end: number;
  idStart: number;
  idEnd: number;
  readonly safe: boolean;
  readonly cheap: boolean;
  readonly method: string;
  readonly retry: 'safe' | 'transaction' | 'never';
  readonly critical: boolean;
  readonly caller: number;
  readonly traced: boolean;
  text = '';
  idAt = -1;
  idTo = -1;
  via = -1;
  attempts: number;
  /** Of the call to the pool, as the pool counts it. */
  sentAt = 0;
  trace: Trace | null = null;
  private readonly to: FlightEnd<Trace>;

  constructor(
    end: FlightEnd<Trace>,
    call: AnswerCall<Trace>,
    key: string,
    hash: number,
    plan: Plan,
    sent: {
      lifetime: number;
      height: number;
      stamp: Stamp;
      askedAt: number;
      generation: number;
      spare: SpareText | null;
    },
  ) {
    this.to = end;
    this.leader = call;
    this.key = key;
    this.hash = hash;
    this.plan = plan;
    this.lifetime = sent.lifetime;
    this.height = sent.height;
    this.stamp = sent.stamp;
    this.askedAt = sent.askedAt;
    this.generation = sent.generation;
    this.second = sent.spare !== null;
    this.bytes = call.bytes;
    this.start = call.start;
    this.end = call.end;
    this.idStart = call.idStart;
    this.idEnd = call.idEnd;
    if (sent.spare !== null) this.takeText(sent.spare);
    this.safe = call.safe;
    this.cheap = call.cheap;
    this.method = call.method;
    this.retry = call.retry;
    this.critical = call.critical;
    this.caller = call.caller;
    this.traced = call.traced;
    this.attempts = call.attempts;
  }

  get member(): Plan['member'] {
    return this.plan.member;
  }

  answered(
    bytes: Buffer,
    start: number,
    end: number,
    idStart: number,
    idEnd: number,
    isError: boolean,
    resultStart = -1,
  ): void {
    this.to.landed(this, bytes, start, end, idStart, idEnd, isError, resultStart);
  }

  failed(failure: AnswerFailure): void {
    this.to.crashed(this, failure);
  }

  /** In place of bytes that are not its own. */
  takeText({ text, idAt, idTo }: SpareText): void {
    this.bytes = Buffer.from(text, 'latin1');
    this.start = 0;
    this.end = text.length;
    this.idStart = idAt;
    this.idEnd = idTo;
  }
}
