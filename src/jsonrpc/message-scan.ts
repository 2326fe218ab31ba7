import { FAULT_NONE } from './faults.ts';

/** Containers that may be open at once in a request, a batch's own array among them. */
export const REQUEST_DEPTH_MAX = 64;
/** Bytes of a method's name as sent, between its quotes. */
export const METHOD_BYTES_MAX = 256;

export const KIND_OBJECT = 0;
export const KIND_BATCH = 1;
export const KIND_OTHER = 2;

/** Where in a text what is wrong; what {@link describeFault} needs. */
export interface Fault {
  /** Start of the whole text, from which line and column count. */
  from: number;
  /** One of the `FAULT_…` numbers, 0 if none. */
  fault: number;
  /** Offset into the buffer, -1 if there is no fault. */
  faultAt: number;
}

/**
 * What a scan found: offsets into the scanned buffer, -1 where absent, ends exclusive. Made to be
 * reused; good until the buffer changes.
 */
export class MessageScan implements Fault {
  from = 0;
  /** 0 an object, 1 an array (a batch), 2 something else. */
  kind = KIND_OTHER;
  /** The JSON value without the white space around it. */
  start = -1;
  end = -1;
  /**
   * The id's value as sent; absent in a notification. Stands beside a fault too, if the id itself
   * is sound and there once, but never beside a fault in the JSON text.
   */
  idStart = -1;
  idEnd = -1;
  /** The method's name between its quotes. */
  methodStart = -1;
  methodEnd = -1;
  /** The name holds a backslash: only `methodName` reads it right. */
  methodEscaped = false;
  paramsStart = -1;
  paramsEnd = -1;
  /** The first fault found, but one in the JSON text comes before one in the envelope. */
  fault = FAULT_NONE;
  faultAt = -1;
}

export function clearScan(out: MessageScan, from: number): void {
  out.from = from;
  out.kind = KIND_OTHER;
  out.start = -1;
  out.end = -1;
  out.methodEscaped = false;
  out.fault = FAULT_NONE;
  out.faultAt = -1;
  clearMembers(out);
}

export function clearMembers(out: MessageScan): void {
  out.idStart = -1;
  out.idEnd = -1;
  out.methodStart = -1;
  out.methodEnd = -1;
  out.paramsStart = -1;
  out.paramsEnd = -1;
}

/** Of several faults in an envelope the first one stays. */
export function noteFault(out: MessageScan, fault: number, at: number): void {
  if (out.fault !== FAULT_NONE) return;
  out.fault = fault;
  out.faultAt = at;
}
