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
