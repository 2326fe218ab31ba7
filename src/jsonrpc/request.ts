import { scanCall } from './envelope.ts';
import { FAULT_NONE, FAULT_NOT_A_CALL, FAULT_TRAILING, FAULT_UTF8 } from './faults.ts';
import { ascii } from './bytes.ts';
import { grammar, progress } from './json.ts';
import {
  clearMembers,
  clearScan,
  KIND_BATCH,
  KIND_OBJECT,
  KIND_OTHER,
  type MessageScan,
  noteFault,
  REQUEST_DEPTH_MAX,
} from './message-scan.ts';
import { utf8FaultAt } from './utf8.ts';

const { ARRAY_OPEN, OBJECT_OPEN } = ascii;
const { byteAt, skipSpace, skipValue } = grammar;

/**
 * Validates all of bytes[from, to): RFC 8259, UTF-8, depth ≤ 64, and for an object the envelope.
 * One pass, no allocation; linear in the text whatever it holds. True for a valid single call.
 *
 * For an array it checks the text and its depth only: `kind` is 1, the result false, `fault` 0, and
 * `scanBatch` has the items.
 */
export function scanRequest(bytes: Uint8Array, from: number, to: number, out: MessageScan): boolean {
  clearScan(out, from);
  progress.high = false;
  const start = skipSpace(bytes, from, to);
  const first = byteAt(bytes, start, to);
  out.start = start;
  out.kind = first === OBJECT_OPEN ? KIND_OBJECT : first === ARRAY_OPEN ? KIND_BATCH : KIND_OTHER;
  const end =
    first === OBJECT_OPEN
      ? scanCall(bytes, start, to, out, 0)
      : skipValue(bytes, start, to, 0, REQUEST_DEPTH_MAX);
  if (end < 0) return refuseText(out, progress.fault, progress.faultAt);
  const rest = skipSpace(bytes, end, to);
  if (rest < to) return refuseText(out, FAULT_TRAILING, rest);
  if (progress.high) {
    const at = utf8FaultAt(bytes, start, end);
    if (at >= 0) return refuseText(out, FAULT_UTF8, at);
  }
  out.end = end;
  if (out.kind === KIND_OTHER) noteFault(out, FAULT_NOT_A_CALL, start);
  return out.kind === KIND_OBJECT && out.fault === FAULT_NONE;
}

/** Nothing read from a text that is no JSON may be used, an id least of all. */
function refuseText(out: MessageScan, fault: number, at: number): false {
  clearMembers(out);
  out.fault = fault;
  out.faultAt = at;
  return false;
}
