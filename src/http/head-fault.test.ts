import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { headFault } from './head-fault.ts';

/** As node:http gives it: `headers` has the first of two. */
function head(lines: [name: string, value: string][], httpVersion = '1.1'): IncomingMessage {
  const headers: Record<string, string> = {};
  for (const [name, value] of lines) headers[name.toLowerCase()] ??= value;
  return { httpVersion, headers, rawHeaders: lines.flat() } as unknown as IncomingMessage;
}
const host: [string, string] = ['Host', 'a'];
const chunked: [string, string] = ['Transfer-Encoding', 'chunked'];

describe('a head that two readers could read in two ways', () => {
  it.each([
    ['HTTP/2.0', head([host], '2.0')],
    ['HTTP/0.9', head([], '0.9')],
    ['no Host', head([['X-Api-Key', 'k']])],
    ['a transfer coding in HTTP/1.0', head([chunked], '1.0')],
    ['a transfer coding and a length', head([host, chunked, ['Content-Length', '3']])],
    ['a transfer coding that is not chunked alone', head([host, ['Transfer-Encoding', 'gzip, chunked']])],
    ['a transfer coding that is not chunked alone', head([host, ['Transfer-Encoding', 'identity']])],
    ['two of host', head([host, ['X-A', '1'], ['HOST', 'a']])],
    ['two of authorization', head([host, ['Authorization', 'Bearer a'], ['authorization', 'Bearer a']])],
  ])('%s', (fault, message) => {
    expect(headFault(message)).toBe(fault);
  });

  it.each([
    head([], '1.0'),
    head([host], '1.0'),
    head([host, ['Content-Length', '3']]),
    head([host, ['transfer-encoding', 'Chunked'], ['Authorization', 'Bearer a']]),
    // Whoever reads these takes them all.
    head([host, ['X-Forwarded-For', '192.0.2.1'], ['X-Forwarded-For', '192.0.2.2']]),
  ])('is none of these: %#', (message) => {
    expect(headFault(message)).toBeUndefined();
  });
});
