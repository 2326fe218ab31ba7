import { AnswerScan, MessageScan, scanAnswer, scanRequest } from '../index.ts';

/** Text around the scanned part that would complete or break it, were it read. */
const BEFORE = Buffer.from('{"id":[');
const AFTER = Buffer.from('0"]}}]null');

export interface Placed {
  bytes: Buffer;
  from: number;
  to: number;
}

/** The text in the middle of a larger buffer, as a body is in a socket's. */
export function place(text: string | Uint8Array): Placed {
  const body = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
  return {
    bytes: Buffer.concat([BEFORE, body, AFTER]),
    from: BEFORE.length,
    to: BEFORE.length + body.length,
  };
}

export interface Scanned extends Placed {
  accepted: boolean;
  scan: MessageScan;
  /** The bytes of a range as latin1 text; undefined where the range is absent. */
  id: string | undefined;
  params: string | undefined;
}

const dirty = new MessageScan();

/** Scans into a result that was used before, as the gateway does. */
export function scan(text: string | Uint8Array): Scanned {
  const placed = place(text);
  const accepted = scanRequest(placed.bytes, placed.from, placed.to, dirty);
  const found = Object.assign(new MessageScan(), dirty);
  return {
    ...placed,
    accepted,
    scan: found,
    id: slice(placed.bytes, found.idStart, found.idEnd),
    params: slice(placed.bytes, found.paramsStart, found.paramsEnd),
  };
}

export function slice(bytes: Buffer, start: number, end: number): string | undefined {
  return start < 0 ? undefined : bytes.toString('latin1', start, end);
}

const dirtyAnswer = new AnswerScan();

export function answer(text: string | Uint8Array): { bytes: Buffer; answer: AnswerScan } | undefined {
  const { bytes, from, to } = place(text);
  return scanAnswer(bytes, from, to, dirtyAnswer)
    ? { bytes, answer: Object.assign(new AnswerScan(), dirtyAnswer) }
    : undefined;
}

/** What JSON.parse over strictly decoded UTF-8 makes of a text; undefined if it is not JSON. */
export function oracle(text: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text)) };
  } catch {
    return undefined;
  }
}
