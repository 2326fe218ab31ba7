import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { readAnswers } from '../framing/answers.ts';
import { open } from '../framing/connection.ts';
import { type Program, startProgram } from '../program.ts';
import { timedCalls } from './calls.ts';
import { growthMiB } from './memory.ts';
import { quiet } from '../quiet.ts';

const MiB = 1 << 20;
let node: FakeUpstream;
let program: Program;
beforeAll(async () => {
  node = await startFakeUpstream();
  program = await startProgram({
    config: {
      ...quiet,
      server: { workers: 1, max_connections_per_address: 500, header_timeout: '3s', request_timeout: '4s' },
      limits: { default: 'none' },
      upstreams: [{ url: node.url }],
    },
  });
});
afterAll(async () => {
  await program.stop();
  await node.close();
});

/** Sends `first`, then `more` without end until the other side ends it or 60 MiB are sent. */
async function flood(first: string, more: string): Promise<string> {
  const socket = await open({ port: program.port });
  let text = '';
  const over = new AbortController();
  socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
  for (const event of ['end', 'close', 'error']) socket.on(event, () => over.abort());
  const piece = Buffer.from(more.repeat(Math.ceil(65_536 / more.length)), 'latin1');
  socket.write(first, 'latin1');
  for (let sent = 0; !over.signal.aborted && sent < 60 * MiB; sent += piece.length) {
    if (socket.write(piece)) await new Promise((resolve) => setImmediate(resolve));
    else for (let k = 0; k < 100 && !over.signal.aborted && socket.writableNeedDrain; k++) await sleep(1);
  }
  for (let k = 0; !over.signal.aborted && k < 100; k++) await sleep(50);
  socket.destroy();
  return text;
}

const post = 'POST / HTTP/1.1\r\nHost: a\r\n';
describe.each<[string, number[], string, string]>([
  ['headers', [431], post, 'X: y\r\n'],
  ['one header', [431], `${post}X: `, 'y'],
  ['one header name', [431], post, 'X'],
  ['headers of GET', [431], 'GET / HTTP/1.1\r\nHost: a\r\n', 'X: y\r\n'],
  ['the target', [431], 'POST /', 'a'],
  ['the method', [400], '', 'A'],
  ['empty lines', [408], '', '\r\n'],
  ['an announced body', [413], `${post}Content-Length: 999999999\r\n\r\n`, 'x'],
  ['chunks', [413, 408], `${post}Transfer-Encoding: chunked\r\n\r\n`, '5\r\nhello\r\n'],
  ['chunks of one byte', [413, 408], `${post}Transfer-Encoding: chunked\r\n\r\n`, '1\r\nx\r\n'],
  ['one chunk', [413], `${post}Transfer-Encoding: chunked\r\n\r\nfffffff\r\n`, 'x'],
  ['a chunk extension', [413], `${post}Transfer-Encoding: chunked\r\n\r\n5;`, 'x'],
  [
    'small chunk extensions',
    [413, 408],
    `${post}Transfer-Encoding: chunked\r\n\r\n`,
    '1;a=b;c=d;e=f\r\nx\r\n',
  ],
  ['a chunk size', [400, 408], `${post}Transfer-Encoding: chunked\r\n\r\n`, '0'],
  ['trailers', [431], `${post}Transfer-Encoding: chunked\r\n\r\n0\r\n`, 'X: y\r\n'],
  [
    'an Expect body',
    [413, 408],
    `${post}Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n`,
    '1\r\nx\r\n',
  ],
])('a flood of %s', (_what, statuses, first, more) => {
  it('is refused before it is buffered, and others do not notice', async () => {
    let texts: string[] = [];
    const grown = await growthMiB(program.pid, async () => {
      const floods = Promise.all(Array.from({ length: 8 }, () => flood(first, more)));
      const { p50 } = await timedCalls(program.port, 50);
      texts = await floods;
      expect(p50).toBeLessThan(200);
    });
    expect(grown).toBeLessThan(120);
    const answers = texts.map((text) => readAnswers(text)[0]);
    // Who goes on sending for 4 MiB or a second loses the connection, and perhaps the answer with it.
    if (statuses.length > 0) expect(answers.some((answer) => answer !== undefined)).toBe(true);
    for (const answer of answers) {
      if (answer === undefined) continue;
      expect(statuses).toContain(answer.status);
      expect(answer.headers.has('x-request-id')).toBe(true);
      expect(JSON.parse(answer.body)).toMatchObject({ jsonrpc: '2.0', id: null });
    }
  });
});
