import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';

export interface AdminRequest {
  method: 'GET' | 'POST';
  path: string;
  body?: unknown;
  token: string | null;
  /** Milliseconds for the whole exchange. */
  timeoutMs: number;
}

export interface AdminAnswer {
  status: number;
  /** Parsed JSON; undefined if it was none. */
  body: unknown;
}

const answerBytesMax = 16 * 1024 * 1024;

/** One exchange with an admin listener. Rejects when it cannot be reached or does not answer in time. */
export function askAdmin(
  base: URL,
  { method, path, body, token, timeoutMs }: AdminRequest,
): Promise<AdminAnswer> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const url = new URL(base.pathname.replace(/\/$/, '') + path, base);
  return new Promise((resolve, reject) => {
    const asked = (url.protocol === 'https:' ? tlsRequest : plainRequest)(url, {
      method,
      agent: false,
      headers: {
        accept: 'application/json',
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
    });
    const deadline = setTimeout(
      () => asked.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    asked.on('close', () => clearTimeout(deadline));
    asked.on('error', reject);
    asked.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > answerBytesMax) asked.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks)) }),
      );
    });
    asked.end(text);
  });
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
