import type { Call } from '../call.ts';

/** A call that waits for word from elsewhere. */
export interface Parked {
  readonly call: Call;
  /** Monotonic microseconds at which it began to wait. */
  readonly since: number;
  readonly bytes: Buffer;
  /** Needs that it waits for. */
  awaiting: number;
  /** How often it has asked. */
  rounds: number;
  /** Bits of the links of its plan that were cold when it asked last. */
  cold: number;
  /** It no longer waits for leases. */
  over: boolean;
}

/** Calls of one worker that may wait at once; beyond it they are decided by the instance's share. */
const CALLS_MAX = 4096;
/** Of all of them together. */
const BYTES_MAX = 32 << 20;

/** Keeps calls out of the read buffer for a while: what they came in is overwritten once their turn has ended. */
export interface Parking {
  /** null: there is no room. */
  hold(call: Call): Parked | null;
  /** Gives the call its bytes back. To be followed by `call.release()` once it has gone on, or ended. */
  free(parked: Parked): void;
  readonly calls: number;
}

export function createParking(options: {
  /** Monotonic microseconds. */
  now: () => number;
  callsMax?: number;
  bytesMax?: number;
}): Parking {
  const { now, callsMax = CALLS_MAX, bytesMax = BYTES_MAX } = options;
  let calls = 0;
  let held = 0;
  return {
    hold(call) {
      const { start, end } = call;
      const length = end - start;
      if (calls >= callsMax || held + length > bytesMax) return null;
      calls += 1;
      held += length;
      const bytes = Buffer.allocUnsafe(length);
      call.bytes.copy(bytes, 0, start, end);
      rebase(call, start);
      return { call, since: now(), bytes, awaiting: 0, rounds: 0, cold: 0, over: false };
    },
    free({ call, bytes }) {
      calls -= 1;
      held -= bytes.length;
      call.bytes = bytes;
    },
    get calls() {
      return calls;
    },
  };
}

/** Its ranges as they are where it begins at 0. */
function rebase(call: Call, start: number): void {
  call.start = 0;
  call.end -= start;
  if (call.idStart >= 0) {
    call.idStart -= start;
    call.idEnd -= start;
  }
  if (call.paramsStart < 0) return;
  call.paramsStart -= start;
  call.paramsEnd -= start;
}
