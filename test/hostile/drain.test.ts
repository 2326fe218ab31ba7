import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startFakeUpstream } from '../fakes/upstream.ts';
import { readAnswers } from '../framing/answers.ts';
import { open } from '../framing/connection.ts';
import { startProgram } from '../program.ts';
import { quiet } from '../quiet.ts';

interface Client {
  sent: string[];
  text: string;
  done: Promise<void>;
}

/** Sends calls, `ahead` at a time, until the connection ends. */
async function load(port: number, name: string, ahead: number, chunked: boolean): Promise<Client> {
  const socket = await open({ port });
  const client: Client = { sent: [], text: '', done: Promise.resolve() };
  const send = (): void => {
    const nonce = `${name}-${client.sent.length}`;
    const body = `{"jsonrpc":"2.0","id":1,"method":"eth_call","params":["${nonce}"]}`;
    const framed = chunked
      ? `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
      : `Content-Length: ${body.length}\r\n\r\n${body}`;
    client.sent.push(nonce);
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${framed}`);
  };
  let answered = 0;
  let ended = false;
  socket.on('data', (bytes: Buffer) => {
    client.text += bytes.toString('latin1');
    const results = client.text.match(/"result":"[^"]*"\}/g)?.length ?? 0;
    for (; answered < results; answered++) if (!ended && !/Connection: close/i.test(client.text)) send();
  });
  client.done = new Promise((resolve) => {
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        ended = true;
        socket.destroy();
        resolve();
      });
    }
  });
  for (let k = 0; k < ahead; k++) send();
  return client;
}

it('a drain under load loses no request: what the node was asked is answered, in full and in order', async () => {
  const node = await startFakeUpstream({
    vice: { request: (x) => void setTimeout(() => x.send(x.http()), 5 + (x.place % 4) * 10) },
  });
  const program = await startProgram({
    config: {
      ...quiet,
      server: { workers: 2, drain_timeout: '10s' },
      limits: { default: 'none' },
      upstreams: [{ url: node.url }],
    },
  });
  const clients = await Promise.all(
    Array.from({ length: 60 }, (_, k) => load(program.port, `c${k}`, 1 + (k % 3) * 3, k % 5 === 0)),
  );
  await sleep(500);
  const from = performance.now();
  const exit = await program.stop();
  expect(exit.code).toBe(0);
  expect(performance.now() - from).toBeLessThan(8000);
  await Promise.all(clients.map(({ done }) => done));

  const asked = new Set(node.bodies.join('\n').match(/c\d+-\d+/g));
  const wrong: string[] = [];
  let answers = 0;
  for (const { sent, text } of clients) {
    const results = readAnswers(text).map(({ body }) => (JSON.parse(body) as { result: string }).result);
    answers += results.length;
    if (results.join() !== sent.slice(0, results.length).join()) wrong.push(`${results} in place of ${sent}`);
    for (const nonce of sent.slice(results.length))
      if (asked.has(nonce)) wrong.push(`${nonce} was asked, not answered`);
    if (results.length === 0) wrong.push(`${sent[0]} and all others had no answer`);
    // Without one request ahead of the answers nothing can have crossed the end.
    if (sent[1] !== undefined && !/Connection: close/i.test(text))
      wrong.push(`${sent[0]}'s connection ended unsaid`);
  }
  expect(wrong).toEqual([]);
  expect(answers).toBeGreaterThan(200);
  await node.close();
});
