import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'vitest';
import { readAnswers } from '../../../test/framing/answers.ts';
import { exchange } from '../../../test/framing/connection.ts';
import { type Seen, startFront } from './front.ts';
import type { RequestStream } from './streams.ts';

/** Sends a stream to a front and to a plain node:http server, and expects of both the same requests. */
export async function createAgreement(options: { sharedReads: boolean }): Promise<{
  /** Rejects where the two differ, or an answer is missing or out of order. */
  check(stream: RequestStream): Promise<void>;
  close(): Promise<void>;
}> {
  // Answers in an order of their own, later or at once.
  let place = 0;
  const front = await startFront({
    sharedReads: options.sharedReads,
    handler({ body }, reply) {
      const send = (): void => reply.send(200, 'X-Request-Id: t\r\n', body);
      place++;
      if (place % 3 === 0) send();
      else if (place % 3 === 1) setTimeout(send, place % 4);
      else void turn().then(send);
    },
  });
  const theirs: Omit<Seen, 'lane'>[] = [];
  const oracle = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { method = '', url = '', headers } = incoming;
      const text = Buffer.concat(chunks).toString('latin1');
      theirs.push({
        method,
        target: url,
        apiKey: headers['x-api-key'] as string | undefined,
        authorization: headers.authorization,
        forwardedFor: headers['x-forwarded-for'] as string | undefined,
        requestId: headers['x-request-id'] as string | undefined,
        body: text,
      });
      response.end(text, 'latin1');
    });
  });
  Object.assign(oracle, { httpAllowHalfOpen: true });
  await new Promise<void>((resolve) => oracle.listen(0, '127.0.0.1', resolve));
  const oraclePort = (oracle.address() as AddressInfo).port;

  return {
    async check(stream) {
      front.seen.length = theirs.length = 0;
      const [mine, other] = await Promise.all([
        exchange({ port: front.port }, stream.pieces),
        exchange({ port: oraclePort }, stream.pieces),
      ]);
      expect(theirs).toHaveLength(stream.requests);
      expect(front.seen.map(({ lane: _lane, ...seen }) => seen)).toEqual(theirs);
      const lanes = front.seen.map(({ lane }) => lane);
      expect(lanes.indexOf('fallback')).toBe(stream.simple === stream.requests ? -1 : stream.simple);
      const bodiless = (place: number): boolean => stream.bodiless.includes(place);
      const bodies = (text: string): string[] => readAnswers(text, bodiless).map(({ body }) => body);
      expect(bodies(mine)).toEqual(bodies(other));
    },
    async close() {
      front.destroy();
      oracle.closeAllConnections();
      await Promise.all([front.drain(), new Promise((resolve) => oracle.close(resolve))]);
    },
  };
}
