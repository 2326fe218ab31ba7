import type { RefusalCode } from './errors.ts';
import {
  FAULT_BATCH_EMPTY,
  FAULT_BATCH_SIZE,
  FAULT_COLON,
  FAULT_COMMA,
  FAULT_CONTROL,
  FAULT_DEPTH,
  FAULT_DUPLICATE,
  FAULT_END,
  FAULT_ESCAPE,
  FAULT_ID,
  FAULT_METHOD,
  FAULT_METHOD_MISSING,
  FAULT_NAME,
  FAULT_NOT_A_CALL,
  FAULT_NUMBER,
  FAULT_PARAMS,
  FAULT_SPELLING,
  FAULT_TRAILING,
  FAULT_UTF8,
  FAULT_VALUE,
  FAULT_VERSION,
  FAULT_VERSION_MISSING,
} from './faults.ts';
import { type Fault, METHOD_BYTES_MAX, REQUEST_DEPTH_MAX } from './message-scan.ts';

/** A fault in words. */
export interface FaultDescription {
  refusal: RefusalCode;
  /** Bytes from the start of the body. */
  at: number;
  /** From 1, by line feeds. */
  line: number;
  /** From 1, in characters. */
  column: number;
  /** What is wrong there; printable ASCII. */
  what: string;
}

const SENTENCES: Record<number, string> = {
  [FAULT_END]: 'the text ends too early',
  [FAULT_VALUE]: 'expected a value',
  [FAULT_NAME]: 'expected a member name in double quotes',
  [FAULT_COLON]: 'expected ":" after a member name',
  [FAULT_COMMA]: 'expected "," or a closing bracket',
  [FAULT_NUMBER]: 'expected a digit',
  [FAULT_ESCAPE]: 'not a valid escape in a string',
  [FAULT_CONTROL]: 'control characters in a string must be escaped',
  [FAULT_TRAILING]: 'expected the end after the value',
  [FAULT_UTF8]: 'not valid UTF-8',
  [FAULT_DEPTH]: `nested deeper than ${REQUEST_DEPTH_MAX}`,
  [FAULT_NOT_A_CALL]: 'a call must be an object',
  [FAULT_DUPLICATE]: 'this member is there twice',
  [FAULT_SPELLING]: 'this member must be in lower case and without escapes',
  [FAULT_VERSION]: '"jsonrpc" must be "2.0"',
  [FAULT_VERSION_MISSING]: '"jsonrpc" is missing',
  [FAULT_ID]: '"id" must be a string, a number or null',
  [FAULT_METHOD]: `"method" must be a string of 1 to ${METHOD_BYTES_MAX} bytes`,
  [FAULT_METHOD_MISSING]: '"method" is missing',
  [FAULT_PARAMS]: '"params" must be an array or an object',
  [FAULT_BATCH_EMPTY]: 'the batch is empty',
  [FAULT_BATCH_SIZE]: 'the batch has too many items',
};

/** The found byte helps where another one was expected. */
const SHOWS_BYTE = new Set([
  FAULT_VALUE,
  FAULT_NAME,
  FAULT_COLON,
  FAULT_COMMA,
  FAULT_NUMBER,
  FAULT_ESCAPE,
  FAULT_CONTROL,
  FAULT_TRAILING,
  FAULT_UTF8,
]);

/** Says what and where a scan's fault is. Needs a scan (or a batch's fault) whose `fault` is not 0. */
export function describeFault(bytes: Uint8Array, scan: Fault): FaultDescription {
  const { fault, faultAt, from } = scan;
  let line = 1;
  let column = 1;
  for (let at = from; at < faultAt; at++) {
    const byte = bytes[at] as number;
    if (byte === 0x0a) {
      line++;
      column = 1;
    } else if ((byte & 0xc0) !== 0x80) {
      column++;
    }
  }
  const found = SHOWS_BYTE.has(fault) ? `, found ${nameOfByte(bytes[faultAt])}` : '';
  return {
    refusal: fault < FAULT_DEPTH ? 'parse_error' : 'invalid_request',
    at: faultAt - from,
    line,
    column,
    what: `${SENTENCES[fault] ?? 'not valid'}${found}`,
  };
}

function nameOfByte(byte: number | undefined): string {
  if (byte === undefined) return 'the end';
  if (byte > 0x20 && byte < 0x7f && byte !== 0x27) return `'${String.fromCharCode(byte)}'`;
  return `byte 0x${byte.toString(16).padStart(2, '0')}`;
}
