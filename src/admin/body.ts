import type { IncomingMessage } from 'node:http';
import { AdminProblem } from './problem.ts';

/** Most bytes of a request's body, by who may ask: `POST /operations/reconcile` takes counts by key and method, some 60 bytes each. */
export const bodyBytesMax = { open: 65_536, token: 1_048_576 } as const;

/**
 * Reads a JSON body of at most `bytesMax` bytes. Only application/json is taken: a web page cannot send that elsewhere without a preflight, which
 * this listener never grants. Throws unsupported_media_type, body_too_large or bad_request.
 */
export async function readJsonBody(request: IncomingMessage, bytesMax: number): Promise<unknown> {
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new AdminProblem('unsupported_media_type', 'the body must be application/json');
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      throw new AdminProblem('body_too_large', `a body has at most ${bytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    throw new AdminProblem('bad_request', 'the body is not JSON');
  }
}
