import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAskStats } from './ask-stats.ts';

const asked: string[] = [];
/** Who is listed by what: an admin listener's answers, as short as can be. */
const lists: Record<string, string[]> = { calls: ['busy', 'both'], refused: ['both', 'quiet'] };
const server = createServer((request, response) => {
  asked.push(request.url!);
  const by = /by=(\w+)/.exec(request.url!)?.[1];
  const body = by === undefined ? {} : { by, entries: lists[by]!.map((id) => ({ id })) };
  response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
});

beforeAll(() => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve)));
afterAll(() => void server.close());

test('callers are those that call most, and those with the most of the column chosen', async () => {
  const { port } = server.address() as AddressInfo;
  const ask = createAskStats(new URL(`http://127.0.0.1:${port}`), null, () => 7);
  const idsBy = async (order: 'calls' | 'refused' | 'ms') =>
    (await ask(order)).top.entries.map(({ id }) => id);
  expect(await idsBy('refused')).toEqual(['busy', 'both', 'quiet']);
  expect(asked).toContain('/stats/top?by=refused&limit=500');
  asked.length = 0;
  expect(await idsBy('ms')).toEqual(['busy', 'both']);
  expect(await idsBy('calls')).toEqual(['busy', 'both']);
  expect(asked.filter((path) => path.startsWith('/stats/top'))).toEqual([
    '/stats/top?by=calls&limit=500',
    '/stats/top?by=calls&limit=500',
  ]);
});
