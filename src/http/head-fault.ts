import type { IncomingMessage } from 'node:http';

/** Headers that node:http takes the first of, and another reader perhaps the last. */
const onlyOnce = new Set(['host', 'authorization']);

/**
 * What is wrong with a head that llhttp let through, where two readers could disagree on what it says: where the
 * message ends, for whom it is, who sent it. Undefined if nothing is. Source: RFC 9112, 2.3, 3.2 and 6.1.
 */
export function headFault({ httpVersion, headers, rawHeaders }: IncomingMessage): string | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return `HTTP/${httpVersion}`;
  const coding = headers['transfer-encoding'];
  if (coding !== undefined) {
    if (httpVersion === '1.0') return 'a transfer coding in HTTP/1.0';
    if (headers['content-length'] !== undefined) return 'a transfer coding and a length';
    if (coding.toLowerCase() !== 'chunked') return 'a transfer coding that is not chunked alone';
  }
  if (httpVersion === '1.1' && headers.host === undefined) return 'no Host';
  let seen: string[] | undefined;
  for (let k = 0; k < rawHeaders.length; k += 2) {
    const name = rawHeaders[k]!.toLowerCase();
    if (!onlyOnce.has(name)) continue;
    if (seen?.includes(name)) return `two of ${name}`;
    seen = [...(seen ?? []), name];
  }
  return undefined;
}
