import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { SinkHttp, SinkRequest, SinkResponse } from '../sink.ts';
import { isPublicAddress } from './addresses.ts';
import { HttpProblem, type HttpProblemCode } from './http-problem.ts';
import type { Resolve } from './resolve.ts';

const TIMEOUT_MS = 10_000;
const BODY_KEPT = 4096;
/** Beyond it the answer is not read to its end, and the connection not used again. */
const BODY_READ_MAX = 64 * 1024;
/** Shorter than what servers keep idle connections for: most 5 s or longer. */
const IDLE_MS = 4000;

/**
 * HTTP of sinks: see {@link SinkHttp}. A name is looked up at each new connection, and it is one of the addresses that were looked at
 * which is connected to: what the name says a moment later is of no consequence.
 */
export function createSinkHttp({
  resolve,
  isPublic = isPublicAddress,
}: {
  resolve: Resolve;
  /** For tests: which addresses need no `allow_private`. */
  isPublic?: (address: string) => boolean;
}): {
  http: SinkHttp;
  close(): void;
} {
  const agentsOf = (allowPrivate: boolean) => {
    const lookup = guardedLookup(resolve, (address) => allowPrivate || isPublic(address));
    const options = { keepAlive: true, timeout: IDLE_MS, maxFreeSockets: 64, lookup };
    // Said here, the environment (NODE_TLS_REJECT_UNAUTHORIZED) cannot say otherwise.
    return {
      'http:': new http.Agent(options),
      'https:': new https.Agent({ ...options, rejectUnauthorized: true }),
    };
  };
  // A connection that one sink may have is none of another's.
  const agents = { guarded: agentsOf(false), open: agentsOf(true) };

  const ask = (request: SinkRequest, signal: AbortSignal): Promise<SinkResponse> => {
    const url = new URL(request.url);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (!request.allowPrivate && isIP(host) !== 0 && !isPublic(host))
      return Promise.reject(refused(host, host));
    if (signal.aborted) return Promise.reject(new HttpProblem('ended', 'was given up before it began'));
    const agent = agents[request.allowPrivate ? 'open' : 'guarded'][url.protocol as 'http:' | 'https:'];
    const { promise, resolve: answer, reject } = Promise.withResolvers<SinkResponse>();
    const sending = (url.protocol === 'https:' ? https : http).request(url, {
      agent,
      method: request.method ?? 'POST',
      headers: { ...request.headers, 'content-length': String(Buffer.byteLength(request.body)) },
    });
    const end = (problem: HttpProblem): void => {
      reject(problem);
      sending.destroy(problem);
    };
    const timeoutMs = request.timeoutMs ?? TIMEOUT_MS;
    const timer = setTimeout(
      () => end(new HttpProblem('timeout', `${url.host} did not answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    const onAbort = (): void => end(new HttpProblem('ended', 'was given up before it was answered'));
    signal.addEventListener('abort', onAbort, { once: true });
    sending.on('error', (error) => reject(problemOf(error, url.host)));
    sending.on('response', (response) =>
      read(response, answer, (error) => reject(problemOf(error, url.host))),
    );
    sending.end(request.body);
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    });
  };

  return {
    http: ask,
    close() {
      for (const { 'http:': plain, 'https:': secure } of Object.values(agents)) {
        plain.destroy();
        secure.destroy();
      }
    },
  };
}

function read(
  response: http.IncomingMessage,
  answer: (response: SinkResponse) => void,
  failed: (error: Error) => void,
): void {
  const kept: Buffer[] = [];
  let length = 0;
  const done = (): void => {
    const headers = Object.fromEntries(
      Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
    );
    const body = Buffer.concat(kept).subarray(0, BODY_KEPT).toString('utf8');
    answer({ status: response.statusCode ?? 0, headers, body });
  };
  response.on('data', (chunk: Buffer) => {
    if (length < BODY_KEPT) kept.push(chunk);
    length += chunk.length;
    if (length <= BODY_READ_MAX) return;
    done();
    response.destroy();
  });
  response.on('end', done);
  response.on('error', failed);
  response.on('aborted', () => failed(new Error('the connection ended within the answer')));
}

function guardedLookup(resolve: Resolve, isAllowed: (address: string) => boolean): LookupFunction {
  return (name, options, answer) => {
    resolve(name).then(
      (found) => {
        const family = options.family === 4 || options.family === 6 ? options.family : 0;
        const fitting = found.filter((one) => family === 0 || one.family === family);
        const bad = found.find(({ address }) => !isAllowed(address));
        const [first] = fitting;
        if (bad !== undefined) answer(refused(name, bad.address), '', 0);
        else if (first === undefined) answer(new HttpProblem('connect', `${name} has no address`), '', 0);
        else if (options.all === true) answer(null, fitting);
        else answer(null, first.address, first.family);
      },
      (error: Error) => answer(error, '', 0),
    );
  };
}

function refused(name: string, address: string): HttpProblem {
  const what = name === address ? address : `${name} leads to ${address}, which`;
  return new HttpProblem(
    'refused_address',
    `${what} is no public address: set allow_private to deliver there`,
  );
}

function problemOf(error: Error, host: string): HttpProblem {
  if (error instanceof HttpProblem) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  const say = (kind: HttpProblemCode, what: string): HttpProblem =>
    new HttpProblem(kind, `${host} ${what}`, { cause: error });
  if (['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ETIMEDOUT'].includes(code))
    return say('connect', `cannot be connected to (${code})`);
  if (['ENOTFOUND', 'EAI_AGAIN', 'ENODATA', 'EAI_NODATA', 'ESERVFAIL'].includes(code))
    return say('connect', `has no address (${code})`);
  if (/^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|EPROTO)/.test(code))
    return say('tls', `is not trusted or speaks no TLS (${code})`);
  return say('broken', `broke the exchange off (${code === '' ? error.message : code})`);
}
