import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/**
 * A node before the node at argv[2], for test_advanced.sh: counts the calls that reach it, and fails when told to.
 * `GET /count?of=METHOD` is a number (also of `requests` and `batches`); `GET /behave?fail=3&delay=200&for=eth_call` forgets
 * the counts, answers 503 to so many calls from now on (`all`: to each) and waits so many milliseconds before any, for that method
 * alone where one is named. Its address is the first line that it prints.
 */
const [, , chain] = process.argv;
if (chain === undefined) throw new Error('usage: counting-node URL');
const counts = new Map<string, number>();
let [failures, delayMs, method] = [0, 0, ''];

const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const text of request.setEncoding('utf8')) body += text as string;
  return body;
}

async function relay(body: string, response: ServerResponse): Promise<void> {
  const calls = [JSON.parse(body) as unknown].flat() as { method: string }[];
  count('requests');
  if (body.startsWith('[')) count('batches');
  for (const call of calls) count(call.method);
  if (method === '' || calls.some((call) => call.method === method)) {
    if (delayMs > 0) await pause(delayMs);
    if (failures > 0) {
      failures -= 1;
      response.writeHead(503).end('told to fail');
      return;
    }
  }
  const answer = await fetch(chain as string, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
}

function instruct({ pathname, searchParams }: URL, response: ServerResponse): void {
  if (pathname === '/count') {
    response.end(String(counts.get(searchParams.get('of') ?? '') ?? 0));
    return;
  }
  const fail = searchParams.get('fail') ?? '0';
  failures = fail === 'all' ? Infinity : Number(fail);
  delayMs = Number(searchParams.get('delay') ?? 0);
  method = searchParams.get('for') ?? '';
  counts.clear();
  response.end();
}

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    instruct(new URL(request.url ?? '/', 'http://node'), response);
    return;
  }
  bodyOf(request)
    .then((body) => relay(body, response))
    .catch((error: unknown) => response.writeHead(502).end(String(error)));
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') console.log(`http://127.0.0.1:${address.port}`);
});
