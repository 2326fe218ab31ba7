import type { FaultDescription } from './describe.ts';
import { type RefusalCode, refusals } from './errors.ts';

/** Text that is JSON as it stands between quotes. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** What one refusal says beyond its kind. */
export interface RefusalDetail {
  requestId: string;
  /**
   * More members of the error's `data`. `undefined`, functions and symbols are left out as JSON.stringify
   * does; `requestId` and `docs` are ours and cannot be set here. A string is taken as members in JSON already, in ASCII:
   * what a refusal by a limit says differs in two numbers only, and costs a third this way.
   */
  data?: Record<string, unknown> | string | undefined;
  /** In place of the kind's own public message. */
  message?: string | undefined;
}

/**
 * The JSON text of the answer that refuses one call. `id` is the raw JSON of the call's id as a latin1 string, `null` if unknown. All but the id
 * is ASCII, so writing it as latin1 gives valid UTF-8 with the id byte for byte as it was sent. Whatever `data` holds, the text is valid JSON as
 * long as `id` is.
 */
export type ErrorAnswer = (id: string, code: RefusalCode, detail: RefusalDetail) => string;

/**
 * Makes an {@link ErrorAnswer} whose pages stand at `docsUrl` followed by the code. One for each
 * configuration, since the fixed parts are put together here.
 */
export function createErrorAnswer(docsUrl: string): ErrorAnswer {
  const parts = new Map<RefusalCode, { head: string; message: string; docs: string }>();
  for (const code of Object.keys(refusals) as RefusalCode[]) {
    const { rpc, message } = refusals[code];
    parts.set(code, {
      head: `,"error":{"code":${rpc},"message":`,
      message: quote(message),
      docs: `,"docs":${quote(docsUrl + code)}`,
    });
  }
  return (id, code, detail) => {
    const { head, message, docs } = parts.get(code) as { head: string; message: string; docs: string };
    const text = detail.message === undefined ? message : quote(detail.message);
    const { data } = detail;
    const more = data === undefined ? '' : typeof data === 'string' ? `,${data}` : members(data);
    return `{"jsonrpc":"2.0","id":${id}${head}${text},"data":{"requestId":${quote(detail.requestId)}${docs}${more}}}}`;
  };
}

/** The detail of an answer that refuses a malformed request: what is wrong and where. */
export function faultDetail(fault: FaultDescription, requestId: string): RefusalDetail {
  const { line, column, what } = fault;
  return {
    requestId,
    message: `${refusals[fault.refusal].message} at ${line}:${column}: ${what}`,
    data: { line, column, offset: fault.at },
  };
}

function members(data: Record<string, unknown>): string {
  let text = '';
  for (const name of Object.keys(data)) {
    if (name === 'requestId' || name === 'docs') continue;
    const value = json(data, name);
    if (value !== undefined) text += `,${quote(name)}:${value}`;
  }
  return text;
}

function json(data: Record<string, unknown>, name: string): string | undefined {
  try {
    const value = data[name];
    if (typeof value === 'string') return quote(value);
    if (typeof value === 'number') return Number.isFinite(value) ? `${value}` : 'null';
    const text = JSON.stringify(value, stringifyBigint) as string | undefined;
    return text === undefined ? undefined : escapeBeyondAscii(text);
  } catch {
    // A cycle, or a getter or toJSON that throws: the refusal must still be told.
    return 'null';
  }
}

function stringifyBigint(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : escapeBeyondAscii(JSON.stringify(text));
}

/** Any character left in JSON text beyond ASCII stands in a string, so it may be an escape there. */
function escapeBeyondAscii(text: string): string {
  return text.replace(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
