import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

/**
 * Calls argv[2] until SIGTERM, for test_advanced.sh, and then says what came of it as a line of JSON: `sent`, `answered`
 * (with a result), `refused` (with an error), `lost` (without an answer).
 * Options, each `--name=value`: `key`, `address` (as X-Forwarded-For), `method`, `connections` (2), `pause` in ms (5),
 * `counts`, a prefix: PREFIX-sent.json and PREFIX-received.json are then written as `polymorph reconcile` takes them, for the key
 * named by `name`.
 */
const [, , url, ...rest] = process.argv;
if (url === undefined) throw new Error('usage: load URL [--name=value …]');
const options = new Map(rest.map((one) => one.replace(/^--/, '').split(/=(.*)/) as [string, string]));
const method = options.get('method') ?? 'eth_blockNumber';
const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [] });
const connections = Number(options.get('connections') ?? 2);
const pauseMs = Number(options.get('pause') ?? 5);
const headers: Record<string, string> = { 'content-length': String(body.length) };
const [key, address] = [options.get('key'), options.get('address')];
if (key !== undefined) headers['x-api-key'] = key;
if (address !== undefined) headers['x-forwarded-for'] = address;

const figures = { sent: 0, answered: 0, refused: 0, lost: 0 };
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const ending = new AbortController();

const call = (): Promise<keyof typeof figures> =>
  new Promise((resolve) => {
    const asked = request(url, { method: 'POST', agent, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('end', () => resolve(text.includes('"result"') ? 'answered' : 'refused'));
      answer.on('error', () => resolve('lost'));
    });
    asked.on('error', () => resolve('lost'));
    asked.end(body);
  });

async function caller(): Promise<void> {
  while (!ending.signal.aborted) {
    figures.sent += 1;
    figures[await call()] += 1;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

process.once('SIGTERM', () => ending.abort());
console.log('calling');
await Promise.all(Array.from({ length: connections }, caller));
agent.destroy();
const prefix = options.get('counts');
if (prefix !== undefined) {
  const line = (calls: number): string =>
    JSON.stringify([{ key: options.get('name') ?? 'none', method, calls }]);
  writeFileSync(`${prefix}-sent.json`, line(figures.sent));
  writeFileSync(`${prefix}-received.json`, line(figures.answered));
}
console.log(JSON.stringify(figures));
