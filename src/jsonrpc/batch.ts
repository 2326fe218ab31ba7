import { scanCall } from './envelope.ts';
import { FAULT_BATCH_EMPTY, FAULT_BATCH_SIZE, FAULT_NOT_A_CALL, FAULT_VALUE } from './faults.ts';
import { ascii } from './bytes.ts';
import { grammar, progress } from './json.ts';
import {
  clearScan,
  type Fault,
  KIND_BATCH,
  KIND_OBJECT,
  KIND_OTHER,
  MessageScan,
  noteFault,
  REQUEST_DEPTH_MAX,
} from './message-scan.ts';

const { ARRAY_CLOSE, ARRAY_OPEN, OBJECT_OPEN } = ascii;
const { byteAt, skipComma, skipSpace, skipValue } = grammar;

/**
 * The items of a batch in the same bytes[from, to) that `scanRequest` accepted as JSON, each with
 * its own envelope fault. A batch that is empty or has more than `itemsMax` items is a fault of the
 * whole; the items beyond are not looked at.
 */
export function scanBatch(
  bytes: Uint8Array,
  from: number,
  to: number,
  itemsMax: number,
): { items: MessageScan[] } | Fault {
  let at = skipSpace(bytes, from, to);
  if (byteAt(bytes, at, to) !== ARRAY_OPEN) return { from, fault: FAULT_VALUE, faultAt: at };
  const start = at;
  at = skipSpace(bytes, at + 1, to);
  if (byteAt(bytes, at, to) === ARRAY_CLOSE) return { from, fault: FAULT_BATCH_EMPTY, faultAt: start };
  const items: MessageScan[] = [];
  do {
    if (items.length >= itemsMax) return { from, fault: FAULT_BATCH_SIZE, faultAt: at };
    const item = new MessageScan();
    items.push(item);
    at = scanItem(bytes, at, to, from, item);
    if (at >= 0) at = skipComma(bytes, at, to, ARRAY_CLOSE);
    if (at < 0) return { from, fault: progress.fault, faultAt: progress.faultAt };
  } while (byteAt(bytes, at, to) !== ARRAY_CLOSE);
  return { items };
}

function scanItem(bytes: Uint8Array, at: number, to: number, from: number, item: MessageScan): number {
  const first = byteAt(bytes, at, to);
  clearScan(item, from);
  item.start = at;
  item.kind = first === OBJECT_OPEN ? KIND_OBJECT : first === ARRAY_OPEN ? KIND_BATCH : KIND_OTHER;
  if (item.kind === KIND_OBJECT) return (item.end = scanCall(bytes, at, to, item, 1));
  noteFault(item, FAULT_NOT_A_CALL, at);
  return (item.end = skipValue(bytes, at, to, 1, REQUEST_DEPTH_MAX));
}
