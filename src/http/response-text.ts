import { STATUS_CODES } from 'node:http';

const lines = new Map<number, string>();
let dateSecond = 0;
let dateLine = '';

/** `HTTP/1.1 200 OK` with the Date header, each line ended. Source of the date form: RFC 9110, 5.6.7. */
export function statusAndDate(status: number, epochMs: number): string {
  let line = lines.get(status);
  if (line === undefined) {
    line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`;
    lines.set(status, line);
  }
  const second = Math.floor(epochMs / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateLine = `Date: ${new Date(second * 1000).toUTCString()}\r\n`;
  }
  return line + dateLine;
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
  const framing = status === 204 ? '\r\n' : `Content-Length: ${bodyBytes}\r\n\r\n`;
  return statusAndDate(status, Date.now()) + headers + (last ? 'Connection: close\r\n' : '') + framing + body;
}
