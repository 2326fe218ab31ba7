import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';

/** The header our health checks carry. */
export const instanceHeader = 'x-polymorph-instance';

/** The answer's instance header, null if there was an answer without one, undefined if there was no answer in time. */
export type AskInstance = (origin: string, timeoutMs: number) => Promise<string | null | undefined>;

export interface ProbedUpstream {
  network: string;
  name: string;
  url: string;
}

/**
 * The upstreams that are this very process, found by asking each `/healthz` and comparing the instance id. All are
 * asked at once, within `timeoutMs`; one that does not answer is not us. No credentials are sent, and a certificate
 * is not verified, since nothing depends on whose it is.
 */
export async function findSelf<U extends ProbedUpstream>(
  upstreams: readonly U[],
  instanceId: string,
  timeoutMs: number,
  ask: AskInstance = askInstance,
): Promise<U[]> {
  const answers = await Promise.all(
    upstreams.map((upstream) => ask(new URL(upstream.url).origin, timeoutMs)),
  );
  return upstreams.filter((_, index) => answers[index] === instanceId);
}

function askInstance(origin: string, timeoutMs: number): Promise<string | null | undefined> {
  return new Promise((resolve) => {
    const url = new URL('/healthz', origin);
    const request = url.protocol === 'https:' ? tlsRequest : plainRequest;
    const asked = request(url, { agent: false, rejectUnauthorized: false, headers: { connection: 'close' } });
    const deadline = setTimeout(() => asked.destroy(), timeoutMs);
    const settle = (answer: string | null | undefined) => {
      clearTimeout(deadline);
      asked.destroy();
      resolve(answer);
    };
    asked.on('response', (response) => {
      const id = response.headers[instanceHeader];
      settle(typeof id === 'string' ? id : null);
    });
    asked.on('error', () => settle(undefined));
    asked.on('close', () => settle(undefined));
    asked.end();
  });
}
