import { connect } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { type RefusalCode, refusals } from '../jsonrpc/index.ts';
import { callText } from './testing/client.ts';
import { closeGateways, startTestGateway, type TestGateway } from './testing/gateway.ts';

afterEach(closeGateways);

/** Sends bytes as they are, and resolves with everything that comes back once the other end closes. */
function raw(gateway: TestGateway, text: string): Promise<{ status: number; head: string; body: string }> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(gateway.port, '127.0.0.1', () => socket.write(text, 'latin1'));
    socket.setTimeout(5000, () => socket.destroy(new Error(`not closed after: ${answer}`)));
    socket.on('data', (bytes) => (answer += bytes.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => {
      const [head = '', body = ''] = answer.split(/\r\n\r\n(.*)/s);
      resolve({ status: Number(head.split(' ')[1]), head, body });
    });
  });
}

const body = callText();
const length = `Content-Length: ${body.length}\r\n`;

it.each<[string, RefusalCode, string, object]>([
  ['a head that is no HTTP', 'bad_http', 'hello\r\n\r\n', {}],
  ['two lengths', 'bad_http', `POST / HTTP/1.1\r\nHost: x\r\n${length}Content-Length: 1\r\n\r\n${body}`, {}],
  [
    'a length and chunks',
    'bad_http',
    `POST / HTTP/1.1\r\nHost: x\r\n${length}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    {},
  ],
  [
    'a head too large',
    'headers_too_large',
    `POST / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(9000)}\r\n\r\n`,
    { maxHeaderBytes: 4096 },
  ],
  ['a head that does not end', 'request_timeout', 'POST / HTTP/1.1\r\nHost: x\r\n', {}],
  [
    'a body that does not end',
    'request_timeout',
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n${body}`,
    {},
  ],
])(
  'what HTTP itself refuses (%s) has a JSON-RPC body, an id, and is counted',
  async (_, code, text, data) => {
    const gateway = await startTestGateway({
      server: { max_header_bytes: '4KiB', header_timeout: '300ms', request_timeout: '600ms' },
    });
    const answer = await raw(gateway, text);
    const { http, rpc, message, page } = refusals[code];
    expect(answer.status).toBe(http);
    const requestId = /^X-Request-Id: (.*)\r?$/im.exec(answer.head)?.[1]?.trim();
    expect(requestId).toMatch(/^boot-0-/);
    expect(answer.head.toLowerCase()).toContain('connection: close');
    expect(answer.head.toLowerCase()).toContain(`content-length: ${answer.body.length}`);
    expect(JSON.parse(answer.body)).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: { code: rpc, message, data: { requestId, docs: page, ...data } },
    });
    expect(gateway.counter('requestsRefused')).toBe(1);
    // No call was in it.
    expect(gateway.counted('invalid')).toBe(0);
    expect(gateway.explainId(requestId!)).toMatchObject([
      { refusal: code, method: '', network: '', caller: { kind: 'address', address: '127.0.0.1' } },
    ]);
    expect(gateway.node.bodies).toEqual([]);
  },
);

it('takes larger heads after a reload that allows them', async () => {
  const gateway = await startTestGateway({ server: { max_header_bytes: '4KiB' } });
  const padded = { headers: { 'x-pad': 'p'.repeat(20_000) } };
  expect((await gateway.call('m', padded)).status).toBe(431);
  gateway.apply({ server: { max_header_bytes: '32KiB' } });
  await vi.waitFor(async () => expect((await gateway.call('m', padded)).status).toBe(200), 5000);
});
