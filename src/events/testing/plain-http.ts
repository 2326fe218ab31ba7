import { request } from 'node:http';
import { HttpProblem } from '../http/http-problem.ts';
import type { SinkHttp } from '../sink.ts';

/** Requests of sinks over plain HTTP to any address: what a sink says and understands is tested, not the guard before it. */
export const plainHttp: SinkHttp = ({ url, method = 'POST', headers, body, timeoutMs = 10_000 }, signal) =>
  new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, signal, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', (error) => reject(new HttpProblem('broken', error.message)));
      response.on('end', () => {
        const flat = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(flat) as Record<string, string>,
          body: Buffer.concat(chunks).subarray(0, 4096).toString(),
        });
      });
    });
    sent.setTimeout(timeoutMs, () => sent.destroy(new HttpProblem('timeout', 'no answer in time')));
    sent.on('error', (error) =>
      reject(error instanceof HttpProblem ? error : new HttpProblem('broken', error.message)),
    );
    sent.end(body);
  });
