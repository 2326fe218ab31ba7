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
} from '../metrics/index.ts';
import { outcomes } from '../limits/index.ts';
import { noKey, type UsageRecord } from '../usage/index.ts';
import type { Call } from './call.ts';
import type { Caller } from './caller.ts';

/**
 * One worker's counts by method, caller and upstream. What ends in a turn is noted and counted at the turn's end, beside the
 * journal and by nothing that allocates: a worker that dies in between has either done both for all calls of a turn or
 * neither, so that figures and ledger agree.
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

/** Of a noted call. */
const note = {
  method: 0,
  upstream: 1,
  decision: 2,
  flags: 3,
  cost: 4,
  bytesIn: 5,
  bytesOut: 6,
  total: 7,
  ofUpstream: 8,
} as const;
const NOTE_LENGTH = 9;
const flag = { answered: 1, failed: 2, error: 4, cached: 8, joined: 16, sent: 32 } as const;
const NOTED_AT_FIRST = 256;
const { failed, errors, cached, joined, events, cost, bytesIn, bytesOut, totalMicros } = callAt;
const { lastSeenMs } = callerAt;

export function createCallFigures(
  memory: FiguresMemory,
  upstreams: RowWriter,
  epochMs: () => number,
): CallFigures {
  const methods = createRowWriter(memory.methods, methodShape);
  const keys = createRowWriter(memory.keys, keyShapeOf(memory));
  const shadows = createRowWriter(memory.shadows, shadowShape);
  const addresses = createSketchWriter(memory.addresses);
  let notes = new Float64Array(NOTED_AT_FIRST * NOTE_LENGTH);
  const callers: (Caller | null)[] = [];
  let noted = 0;

  function methodRow({ context, facts, method }: Call): number {
    const { policy, network } = context;
    const name = policy.snapshot.networks[network]?.name ?? '';
    if (facts === null) return methods.rowOf(rowName(name, policy.labels.named(method)));
    return (facts.rows[network + 1] ??= methods.rowOf(rowName(name, facts.label)));
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

  function begin(call: Call): number {
    if ((noted + 1) * NOTE_LENGTH > notes.length) {
      const larger = new Float64Array(notes.length * 2);
      larger.set(notes);
      notes = larger;
    }
    callers[noted] = call.context.caller;
    const at = noted++ * NOTE_LENGTH;
    notes[at + note.method] = methodRow(call);
    notes[at + note.bytesIn] = call.end - call.start;
    notes[at + note.bytesOut] = call.answer.length;
    return at;
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

  function countCall(to: Float64Array, row: number, at: number, flags: number): void {
    to[row + notes[at + note.decision]!]!++;
    if ((flags & flag.answered) !== 0) {
      to[row + cost]! += notes[at + note.cost]!;
      to[row + totalMicros]! += notes[at + note.total]!;
      if ((flags & flag.error) !== 0) to[row + errors]!++;
      if ((flags & flag.cached) !== 0) to[row + cached]!++;
      else if ((flags & flag.joined) !== 0) to[row + joined]!++;
    } else if ((flags & flag.failed) !== 0) to[row + failed]!++;
    to[row + bytesIn]! += notes[at + note.bytesIn]!;
    to[row + bytesOut]! += notes[at + note.bytesOut]!;
  }

  function countTimes(row: number, at: number, flags: number): void {
    const to = methods.numbers;
    const total = notes[at + note.total]!;
    const ofUpstream = notes[at + note.ofUpstream]!;
    to[row + methodAt.proxyMicros]! += total - ofUpstream;
    to[row + methodAt.total + latencyBucket(total)]!++;
    to[row + methodAt.proxy + latencyBucket(total - ofUpstream)]!++;
    if ((flags & flag.sent) === 0) return;
    const bucket = latencyBucket(ofUpstream);
    to[row + methodAt.upstreamMicros]! += ofUpstream;
    to[row + methodAt.upstream + bucket]!++;
    const upstream = notes[at + note.upstream]!;
    if (upstream < 0 || (flags & flag.joined) !== 0) return;
    upstreams.numbers[upstream + upstreamAt.micros]! += ofUpstream;
    upstreams.numbers[upstream + upstreamHistogramAt + bucket]!++;
  }

  return {
    answered(call, total, ofUpstream) {
      const at = begin(call);
      notes[at + note.decision] = call.outcome === outcomes.burst ? callAt.burst : callAt.allowed;
      let flags: number = flag.answered;
      if (call.isError) flags |= flag.error;
      if (call.source === 'cache') flags |= flag.cached;
      else if (call.source === 'joined') flags |= flag.joined;
      if (call.sentAt !== 0) {
        flags |= flag.sent;
        notes[at + note.upstream] = upstreamRow(call);
      }
      notes[at + note.flags] = flags;
      notes[at + note.cost] = call.cost;
      notes[at + note.total] = total;
      notes[at + note.ofUpstream] = ofUpstream;
    },
    refused(call, decision, metered) {
      const at = begin(call);
      const letIn = call.outcome === outcomes.burst ? callAt.burst : callAt.allowed;
      notes[at + note.decision] = decision === null ? letIn : callAt[decision];
      notes[at + note.flags] = decision === null ? flag.failed : 0;
      if (metered) return;
      notes[at + note.bytesIn] = 0;
      notes[at + note.bytesOut] = 0;
    },
    settle() {
      if (noted === 0) return;
      const now = epochMs();
      for (let call = 0; call < noted; call++) {
        const at = call * NOTE_LENGTH;
        const flags = notes[at + note.flags]!;
        const method = notes[at + note.method]!;
        const caller = callerRow(callers[call]!);
        countCall(methods.numbers, method, at, flags);
        countCall(numbers, caller, at, flags);
        numbers[caller + lastSeenMs] = now;
        if ((flags & flag.answered) !== 0) countTimes(method, at, flags);
        // A caller that is gone must not be held.
        callers[call] = null;
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
