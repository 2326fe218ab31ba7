import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { readAnswers } from '../framing/answers.ts';
import { withCertificate } from '../framing/certificate.ts';
import { exchange, type Target } from '../framing/connection.ts';
import { type Program, startProgram } from '../program.ts';
import { quiet } from '../quiet.ts';

const key = 'early_answers_key_0123456789';
let node: FakeUpstream;
let plain: Program;
let secure: Program;
beforeAll(async () => {
  node = await startFakeUpstream();
  const config = {
    ...quiet,
    server: { workers: 1, max_body_bytes: '64KiB' },
    limits: { default: { requests: 3, period: '1h' } },
    upstreams: [{ url: node.url }],
    // What the node is asked is counted: no checks among it.
    keys: [{ name: 'free', key, limits: { default: { requests: 1_000_000, period: '1s' } } }],
  };
  plain = await startProgram({ config });
  secure = await withCertificate((tls) =>
    startProgram({ config: { ...config, server: { ...config.server, tls } } }),
  );
});
afterAll(async () => {
  await Promise.all([plain.stop(), secure.stop()]);
  await node.close();
});

const call = (param: string): string => `{"jsonrpc":"2.0","id":7,"method":"eth_call","params":["${param}"]}`;
const post = (body: string, headers = ''): string =>
  `POST / HTTP/1.1\r\nHost: a\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
const withKey = (body: string): string => post(body, `X-API-Key: ${key}\r\n`);
const answersOf = async (target: Target, ...pieces: string[]): Promise<ReturnType<typeof readAnswers>> =>
  readAnswers(
    await exchange(
      target,
      pieces.map((piece) => Buffer.from(piece, 'latin1')),
    ),
  );

describe.each([['plain'], ['TLS']])('%s', (how) => {
  const target = (): Target => ({ port: (how === 'TLS' ? secure : plain).port, tls: how === 'TLS' });

  it('413 arrives whole though its body is still being sent', async () => {
    const body = 'x'.repeat(1 << 20);
    for (const framing of [
      `Content-Length: ${body.length}\r\n\r\n${body}`,
      `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    ]) {
      const before = node.bodies.length;
      const answers = await answersOf(
        target(),
        withKey(call('a')),
        `POST / HTTP/1.1\r\nHost: a\r\n${framing}`,
        withKey(call('behind')),
      );
      expect(answers.map(({ status }) => status)).toEqual([200, 413]);
      expect(answers[1]!.headers.get('connection')).toBe('close');
      expect(JSON.parse(answers[1]!.body)).toMatchObject({ id: null, error: { code: -32600 } });
      expect(node.bodies).toHaveLength(before + 1);
    }
  });

  it('refusals in a pipeline leave the calls around them in place', async () => {
    const answers = await answersOf(
      target(),
      [
        ...Array.from({ length: 5 }, () => post(call('anonymous'))),
        withKey(call('one')),
        post('{"jsonrpc":"2.0","id":7,"method":'),
        withKey(call('two')),
        post(call('x'), 'X-API-Key: unknown_key_0123456789abcdef\r\n'),
        withKey(call('three')),
        withKey(`[${call('four')},{"id":1},${call('five')}]`),
        withKey(call('six')),
      ].join(''),
    );
    expect(answers.map(({ status }) => status)).toEqual([
      200, 200, 200, 429, 429, 200, 400, 200, 401, 200, 200, 200,
    ]);
    for (const place of [3, 4]) {
      expect(answers[place]!.headers.has('retry-after')).toBe(true);
      expect(JSON.parse(answers[place]!.body)).toMatchObject({ id: 7, error: { code: -32005 } });
    }
    const results = [5, 7, 9, 11].map(
      (place) => (JSON.parse(answers[place]!.body) as { result: string }).result,
    );
    expect(results).toEqual(['one', 'two', 'three', 'six']);
    expect(JSON.parse(answers[10]!.body)).toMatchObject([
      { result: 'four' },
      { error: { code: -32600 } },
      { result: 'five' },
    ]);
    const ids = answers.map(({ headers }) => headers.get('x-request-id'));
    expect(new Set(ids).size).toBe(answers.length);
    expect(ids).not.toContain(undefined);
  });

  it('every answer has a request id, health and preflight too', async () => {
    const answers = await answersOf(
      target(),
      'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n',
      'OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: http://x\r\nAccess-Control-Request-Method: POST\r\n\r\n',
      'GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n',
      'DELETE / HTTP/1.1\r\nHost: a\r\n\r\n',
      post('x', 'Content-Encoding: gzip\r\n'),
      'GARBAGE\r\n\r\n',
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 204, 404, 405, 415, 400]);
    for (const { headers } of answers) expect(headers.get('x-request-id')).toMatch(/./);
  });
});
