import {
  callAt,
  callerAt,
  createRowWriter,
  createSketchWriter,
  type Decision,
  type FiguresMemory,
  keyShapeOf,
  latencyBucket,
  methodAt,
  methodShape,
  rowName,
  shadowShape,
  upstreamAt,
  type RowWriter,
  upstreamHistogramAt,
} from '../../metrics/index.ts';
import { outcomes } from '../../limits/index.ts';
import { noKey, type UsageRecord } from '../../usage/index.ts';
import type { Call } from '../call.ts';
import type { Caller } from '../caller.ts';

/**
 * One worker's counts by method, caller and upstream. What ends in a turn is noted and counted at the turn's end, right before the
 * journal is written and by nothing that allocates. A worker that throws or exits has done both for all calls of a turn or
 * neither, so that figures and ledger agree. One that is ended from outside (main ends it, or it runs out of memory) may be cut
 * off within these microseconds: then figures are ahead of the ledger by calls of that one turn at most, none of which was
 * answered, and of one call they may have the method's part and not the caller's. They are never behind.
 */
export interface CallFigures {
  answered(call: Call, totalMicros: number, upstreamMicros: number): void;
  /** `decision`: null where it was let in and failed. `metered`: the ledger shows it as exceeded. */
  refused(call: Call, decision: Decision | null, metered: boolean): void;
  /** A turn's calls. */
  settle(): void;
  /** A turn's events, folded. */
  events(records: readonly UsageRecord[]): void;
  /** What rules in shadow mode would have refused it. */
  shadows(call: Call): void;
}

/** Of a noted call: whole numbers, and the others. Constants of this module, since one of another is read anew at each use. */
const METHOD = 0;
const UPSTREAM = 1;
const DECISION = 2;
const FLAGS = 3;
const WHOLE_LENGTH = 4;
const COST = 0;
const BYTES_IN = 1;
const BYTES_OUT = 2;
const TOTAL = 3;
const OF_UPSTREAM = 4;
const OTHER_LENGTH = 5;
const ANSWERED = 1;
const FAILED = 2;
const ERROR = 4;
const CACHED = 8;
const JOINED = 16;
const SENT = 32;
const NOTED_AT_FIRST = 256;
const { allowed, burst, failed, errors, cached, joined, events, cost, bytesIn, bytesOut, totalMicros } =
  callAt;
const { lastSeenMs } = callerAt;
const { proxyMicros, upstreamMicros, total: totalAt, proxy: proxyAt, upstream: upstreamPartAt } = methodAt;
const { micros: upstreamSumAt } = upstreamAt;
const upstreamTimesAt = upstreamHistogramAt;

export function createCallFigures(
  memory: FiguresMemory,
  upstreams: RowWriter,
  epochMs: () => number,
): CallFigures {
  const methods = createRowWriter(memory.methods, methodShape);
  const keys = createRowWriter(memory.keys, keyShapeOf(memory));
  const shadows = createRowWriter(memory.shadows, shadowShape);
  const addresses = createSketchWriter(memory.addresses);
  let wholes = new Int32Array(NOTED_AT_FIRST * WHOLE_LENGTH);
  let others = new Float64Array(NOTED_AT_FIRST * OTHER_LENGTH);
  const callers: (Caller | null)[] = [];
  let noted = 0;

  function methodRow({ context: { policy, network }, facts, method }: Call): number {
    const known = facts?.rows[network + 1];
    if (known !== undefined) return known;
    const name = policy.snapshot.networks[network]?.name ?? '';
    if (facts === null) return methods.rowOf(rowName(name, policy.labels.named(method)));
    return (facts.rows[network + 1] = methods.rowOf(rowName(name, facts.label)));
  }

  /** Of the upstream that answered, or was asked last; -1: none was. */
  function upstreamRow({ context: { policy, network }, via }: Call): number {
    if (via < 0) return -1;
    const rows = (policy.upstreamRows[network] ??= []);
    const known = rows[via];
    if (known !== undefined) return known;
    const { name, upstreams: all } = policy.snapshot.networks[network]!;
    const upstream = all[via];
    return upstream === undefined ? -1 : (rows[via] = upstreams.rowOf(rowName(name, upstream.name)));
  }

  function grow(): void {
    const [more, further] = [new Int32Array(wholes.length * 2), new Float64Array(others.length * 2)];
    more.set(wholes);
    further.set(others);
    wholes = more;
    others = further;
  }

  /** Notes a call; returns its place. */
  function begin(call: Call, decision: number, flags: number, metered: boolean): number {
    const place = noted++;
    const at = place * WHOLE_LENGTH;
    if (at >= wholes.length) grow();
    callers[place] = call.context.caller;
    wholes[at + METHOD] = methodRow(call);
    wholes[at + DECISION] = decision;
    wholes[at + FLAGS] = flags;
    const of = place * OTHER_LENGTH;
    others[of + BYTES_IN] = metered ? call.end - call.start : 0;
    others[of + BYTES_OUT] = metered ? call.answer.length : 0;
    return place;
  }

  /** The doubles that count a caller, and the index of the first. */
  let numbers = keys.numbers;
  function callerRow(caller: Caller): number {
    if (caller.kind !== 'key') {
      numbers = addresses.numbers;
      const row = addresses.count(caller.address, caller.row);
      caller.row = addresses.place;
      return row;
    }
    numbers = keys.numbers;
    if (caller.row < 0) caller.row = keys.rowOf(caller.keyId);
    return caller.row;
  }

  function countCall(to: Float64Array, row: number, place: number): void {
    const flags = wholes[place * WHOLE_LENGTH + FLAGS]!;
    const of = place * OTHER_LENGTH;
    to[row + wholes[place * WHOLE_LENGTH + DECISION]!]!++;
    to[row + bytesIn]! += others[of + BYTES_IN]!;
    to[row + bytesOut]! += others[of + BYTES_OUT]!;
    if ((flags & ANSWERED) !== 0) {
      to[row + cost]! += others[of + COST]!;
      to[row + totalMicros]! += others[of + TOTAL]!;
      if ((flags & ERROR) !== 0) to[row + errors]!++;
      if ((flags & CACHED) !== 0) to[row + cached]!++;
      else if ((flags & JOINED) !== 0) to[row + joined]!++;
    } else if ((flags & FAILED) !== 0) to[row + failed]!++;
  }

  function countTimes(row: number, place: number): void {
    const flags = wholes[place * WHOLE_LENGTH + FLAGS]!;
    const to = methods.numbers;
    const total = others[place * OTHER_LENGTH + TOTAL]!;
    const ofUpstream = others[place * OTHER_LENGTH + OF_UPSTREAM]!;
    to[row + proxyMicros]! += total - ofUpstream;
    to[row + totalAt + latencyBucket(total)]!++;
    to[row + proxyAt + latencyBucket(total - ofUpstream)]!++;
    if ((flags & SENT) === 0) return;
    const bucket = latencyBucket(ofUpstream);
    to[row + upstreamMicros]! += ofUpstream;
    to[row + upstreamPartAt + bucket]!++;
    const upstream = wholes[place * WHOLE_LENGTH + UPSTREAM]!;
    if (upstream < 0 || (flags & JOINED) !== 0) return;
    upstreams.numbers[upstream + upstreamSumAt]! += ofUpstream;
    upstreams.numbers[upstream + upstreamTimesAt + bucket]!++;
  }

  return {
    answered(call, total, ofUpstream) {
      let flags = ANSWERED;
      if (call.isError) flags |= ERROR;
      if (call.source === 'cache' || call.source === 'shared') flags |= CACHED;
      else if (call.source === 'joined') flags |= JOINED;
      if (call.sentAt !== 0) flags |= SENT;
      const place = begin(call, call.outcome === outcomes.burst ? burst : allowed, flags, true);
      if (call.sentAt !== 0) wholes[place * WHOLE_LENGTH + UPSTREAM] = upstreamRow(call);
      const of = place * OTHER_LENGTH;
      others[of + COST] = call.cost;
      others[of + TOTAL] = total;
      others[of + OF_UPSTREAM] = ofUpstream;
    },
    refused(call, decision, metered) {
      if (decision !== null) begin(call, callAt[decision], 0, metered);
      else begin(call, call.outcome === outcomes.burst ? burst : allowed, FAILED, metered);
    },
    settle() {
      if (noted === 0) return;
      const now = epochMs();
      for (let place = 0; place < noted; place++) {
        const method = wholes[place * WHOLE_LENGTH + METHOD]!;
        const caller = callerRow(callers[place]!);
        countCall(methods.numbers, method, place);
        countCall(numbers, caller, place);
        numbers[caller + lastSeenMs] = now;
        if ((wholes[place * WHOLE_LENGTH + FLAGS]! & ANSWERED) !== 0) countTimes(method, place);
        // A caller that is gone must not be held.
        callers[place] = null;
      }
      noted = 0;
    },
    events(records) {
      for (const record of records) {
        if (!record.event) continue;
        const { keyId } = record;
        const row = methods.rowOf(rowName(record.network, record.method));
        countEvents(methods.numbers, row, record);
        if (keyId !== noKey) countEvents(keys.numbers, keys.rowOf(keyId), record);
      }
    },
    shadows({ plan, reading }) {
      const enforced = plan!.links.length;
      for (const [at, { rule }] of plan!.shadows.entries())
        if ((reading!.shadowRefused & (1 << (enforced + at))) !== 0)
          shadows.numbers[shadows.rowOf(rule.name)]!++;
    },
  };
}

function countEvents(to: Float64Array, row: number, record: UsageRecord): void {
  to[row + events]! += record.calls;
  to[row + cost]! += record.cost;
  to[row + bytesOut]! += record.bytesOut;
}
