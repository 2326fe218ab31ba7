import { Flight, type FlightEnd, type SpareText } from './flight.ts';
import { holdsAt, lifetimes, type Stamp } from './lifetime.ts';
import type { AnswerCall, AnswerFailure, SentCall } from './ports.ts';
import { isLarge, type KeptAnswer } from './kept-answer.ts';

/** Calls that one flight carries beside the one that leads it; the next identical call leads another. */
const RIDERS_MAX = 10_000;

/** Flights that can be joined at once, at most; a power of two. Of two that meet in a place the later is not joined. */
const PLACES = 4096;

const nothing = Buffer.alloc(0);

export interface FlightDeps<Trace> {
  /** The network's pool. */
  send(call: SentCall<Trace>): void;
  /** Monotonic microseconds. */
  now: () => number;
  /** Runs something once, so many milliseconds from now; returns how to call it off. */
  later: (ms: number, run: () => void) => () => void;
}

/** What the flights ask of the room. */
export interface FlightTower {
  /** The chain as it is now. */
  stamp(): Stamp;
  /** An answer without error came: keeps it if it may. Returns it if it is kept as text. */
  keep(
    flight: Flight<unknown>,
    bytes: Buffer,
    start: number,
    end: number,
    idStart: number,
    idEnd: number,
    resultStart: number,
  ): KeptAnswer | null;
  /** The call is about to be told what others had kept. */
  found(call: AnswerCall<unknown>): void;
  /** What a call may take, in milliseconds. */
  timeoutMs(): number;
}

/**
 * Identical calls that are under way together. What holds:
 * - Each call is told exactly once how it ended, with its own id, and never later than the deadline of its own.
 * - One call to the pool for all of them; where it fails, the one that led it is told so, and the others share one more.
 *   If that fails too they are told.
 * - Nobody leaves early: the call of a caller who is gone is answered like any other and its answer dropped by the
 *   gateway, so a flight always comes to its end.
 */
export class Flights<Trace> implements FlightEnd<Trace> {
  /** By the low bits of the hash. An array that is there already, for the reason that `Sieve` says. */
  private readonly places = new Array<Flight<Trace> | null>(PLACES).fill(null);
  private listed = 0;
  private readonly deps: FlightDeps<Trace>;
  private readonly tower: FlightTower;

  constructor(deps: FlightDeps<Trace>, tower: FlightTower) {
    this.deps = deps;
    this.tower = tower;
  }

  /** Nobody joins those that are under way any more. */
  shut(): void {
    for (const flight of this.places) if (flight !== null) this.unlist(flight);
  }

  /** The flight that a call may join now: one under the same head, or one whose answer does not depend on it. */
  find(key: string, hash: number, stamp: Stamp): Flight<Trace> | undefined {
    const flight = this.places[hash & (PLACES - 1)]!;
    if (flight === null || flight.key !== key) return undefined;
    const full = flight.riders !== null && flight.riders.length >= RIDERS_MAX;
    if (!full && holdsAt(flight, stamp)) return flight;
    // The head moves on only: no call joins it again.
    this.unlist(flight);
    return undefined;
  }

  join(flight: Flight<Trace>, call: AnswerCall<Trace>): void {
    call.source = 'joined';
    if (flight.riders === null) flight.riders = [call];
    else flight.riders.push(call);
    flight.spare ??= spareOf(call);
  }

  /** Sends a call as a flight, one that others may join if `open`. */
  lead(flight: Flight<Trace>, open: boolean): void {
    if (open) this.list(flight);
    this.send(flight);
  }

  /**
   * The same where somebody else may have the answer: it is sent once `find` has found none. False, and nothing was done: it is not to be
   * looked for.
   */
  leadAfter(
    flight: Flight<Trace>,
    open: boolean,
    find: (then: (kept: KeptAnswer | null) => void) => boolean,
  ): boolean {
    const looks = find((kept) => {
      if (kept === null) this.send(flight);
      else this.foundElsewhere(flight, kept);
    });
    if (!looks) return false;
    if (open) this.list(flight);
    flight.takeText((flight.spare ??= spareOf(flight)));
    return true;
  }

  private list(flight: Flight<Trace>): void {
    // Another call's flight may have the place: then nobody joins this one.
    const place = flight.hash & (PLACES - 1);
    if (this.places[place] !== null) return;
    flight.listed = true;
    this.places[place] = flight;
    this.listed++;
  }

  private send(flight: Flight<Trace>): void {
    this.deps.send(flight);
    // Good only until here.
    flight.bytes = nothing;
  }

  private foundElsewhere(flight: Flight<Trace>, kept: KeptAnswer): void {
    this.close(flight);
    this.tower.found(flight.leader!);
    const { bytes } = kept;
    this.tell(flight, (call) => {
      if (bytes === null) call.answeredText(kept.before, kept.after, false);
      else call.answered(bytes, 0, bytes.length, kept.idStart, kept.idEnd, false);
    });
  }

  landed(
    flight: Flight<Trace>,
    bytes: Buffer,
    start: number,
    end: number,
    idStart: number,
    idEnd: number,
    isError: boolean,
    resultStart: number,
  ): void {
    this.close(flight);
    const kept = isError ? null : this.tower.keep(flight, bytes, start, end, idStart, idEnd, resultStart);
    const { leader, riders } = flight;
    if (riders === null) {
      // The leader is there: it leaves early only from a flight with riders.
      noteDelivery(leader!, flight);
      if (kept === null) leader!.answered(bytes, start, end, idStart, idEnd, isError);
      else leader!.answeredText(kept.before, kept.after, false);
    } else if (kept !== null) {
      this.tell(flight, (call) => call.answeredText(kept.before, kept.after, false));
    } else if (isLarge(start, end)) {
      this.tell(flight, (call) => call.answered(bytes, start, end, idStart, idEnd, isError));
    } else {
      const before = bytes.toString('latin1', start, idStart);
      const after = bytes.toString('latin1', idEnd, end);
      this.tell(flight, (call) => call.answeredText(before, after, isError));
    }
  }

  crashed(flight: Flight<Trace>, failure: AnswerFailure): void {
    this.close(flight);
    const { leader, riders, second } = flight;
    if (second || riders === null) {
      this.tell(flight, (call) => call.failed(failure));
      return;
    }
    if (leader !== null) {
      noteDelivery(leader, flight);
      leader.failed(failure);
    }
    this.goAgain(flight, riders, failure);
  }

  /** The others' one more flight, in which each keeps its own deadline. */
  private goAgain(flight: Flight<Trace>, calls: AnswerCall<Trace>[], failure: AnswerFailure): void {
    const now = this.deps.now();
    const timeout = this.tower.timeoutMs() * 1000;
    const others = calls.filter((call) => call.startedAt + timeout > now);
    for (const call of calls) {
      if (call.startedAt + timeout > now) continue;
      noteDelivery(call, flight);
      call.failed(failure);
    }
    const [leader, ...riders] = others;
    if (leader === undefined) return;
    leader.source = 'upstream';
    const stamp = this.tower.stamp();
    const again = new Flight(this, leader, flight.key, flight.hash, flight.plan, {
      lifetime: flight.lifetime,
      height: flight.height,
      stamp,
      askedAt: now,
      generation: flight.generation,
      spare: flight.spare,
    });
    // What was final may not be after a reorg.
    if (stamp.reorgs !== flight.stamp.reorgs) again.lifetime = lifetimes.shared;
    again.riders = riders;
    again.spare = flight.spare;
    this.watch(again, now);
    this.lead(again, true);
  }

  private watch(flight: Flight<Trace>, now: number): void {
    const waiting = callsOf(flight);
    let first = Number.POSITIVE_INFINITY;
    for (const { startedAt } of waiting) first = Math.min(first, startedAt);
    const left = first + this.tower.timeoutMs() * 1000 - now;
    flight.callOff = this.deps.later(Math.ceil(left / 1000), () => this.expire(flight));
  }

  /** Ends the calls whose time is up; the flight goes on for the others. */
  private expire(flight: Flight<Trace>): void {
    const now = this.deps.now();
    const due = now - this.tower.timeoutMs() * 1000;
    const calls = callsOf(flight);
    flight.leader = null;
    flight.riders = calls.filter(({ startedAt }) => startedAt > due);
    flight.callOff = null;
    if (flight.riders.length > 0) this.watch(flight, now);
    else this.close(flight);
    for (const call of calls) if (call.startedAt <= due) call.failed(outOfTime);
  }

  private unlist(flight: Flight<Trace>): void {
    this.places[flight.hash & (PLACES - 1)] = null;
    flight.listed = false;
    this.listed--;
  }

  /** Nobody joins it any more. */
  private close(flight: Flight<Trace>): void {
    if (flight.listed) this.unlist(flight);
    if (flight.callOff === null) return;
    flight.callOff();
    flight.callOff = null;
  }

  private tell(flight: Flight<Trace>, how: (call: AnswerCall<Trace>) => void): void {
    for (const call of callsOf(flight)) {
      noteDelivery(call, flight);
      how(call);
    }
  }
}

const outOfTime: AnswerFailure = {
  code: 'upstream_timeout',
  kind: 'timeout',
  reason: 'the call it had joined failed, and the next brought no answer in time',
  delivered: 'maybe',
};

/** Those it still has to tell, in the order they came. */
function callsOf<Trace>({ leader, riders }: Flight<Trace>): AnswerCall<Trace>[] {
  if (leader === null) return riders ?? [];
  return riders === null ? [leader] : [leader, ...riders];
}

function spareOf({
  bytes,
  start,
  end,
  idStart,
  idEnd,
}: Pick<SentCall<unknown>, 'bytes' | 'start' | 'end' | 'idStart' | 'idEnd'>): SpareText {
  return { text: bytes.toString('latin1', start, end), idAt: idStart - start, idTo: idEnd - start };
}

function noteDelivery<Trace>(call: AnswerCall<Trace>, { via, attempts, sentAt, trace }: Flight<Trace>): void {
  call.via = via;
  call.sentAt = sentAt;
  call.attempts = attempts;
  call.trace = trace;
}
