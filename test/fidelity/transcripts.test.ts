import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { membersOf } from './json-text.ts';
import { modes, useModes } from './modes.ts';
import { postAll } from './raw-client.ts';
import { callOf, type Exchange, readTranscripts, withId } from './transcripts.ts';

const corpora = {
  'recorded from anvil': readTranscripts(fileURLToPath(new URL('corpus/anvil', import.meta.url))),
  'execution-apis': readTranscripts(
    fileURLToPath(new URL('../../../shared/data/execution-apis', import.meta.url)),
  ),
};
/** Of the corpus that is being played: response by call. */
let recorded: ReadonlyMap<string, string> = new Map();

/** A node that gives the recorded response to a call, with the id it was asked with in the place of the recorded one. */
const fixture = useModes(({ method, params, id }) => {
  const response = recorded.get(`${method} ${params}`);
  if (response === undefined) throw new Error(`nothing recorded for ${method} ${params}`);
  return withId(response, id);
});

describe.each(Object.entries(corpora))('%s', (name, exchanges) => {
  const absent = exchanges.length === 0;
  beforeAll(() => {
    recorded = new Map(exchanges.map(({ request, response }) => [callOf(request), response]));
  });

  describe.skipIf(absent)(
    absent ? `the public test data ${name} is not beside the checkout` : 'is there',
    () => {
      test('each call has one response', () => {
        for (const { request, response } of exchanges) {
          expect(withId(recorded.get(callOf(request)) ?? '', '0')).toBe(withId(response, '0'));
        }
      });

      test.each(modes)('%s: the caller gets the recorded bytes', async (mode) => {
        fixture.node.forget();
        const answers = await postAll(
          fixture.port,
          exchanges.map(({ request }) => request),
          { path: `/${mode}` },
        );
        for (const [index, { source, response }] of exchanges.entries()) {
          expect(answers[index], source).toEqual({ status: 200, body: response });
        }
        expectForwarded(exchanges);
        if (mode === 'batched') expect(fixture.node.batches()).toBeGreaterThan(0);
        if (mode === 'pipelined') expect(fixture.node.pipelined()).toBeGreaterThan(0);
      });

      test.each(modes)('%s: also in batches', async (mode) => {
        fixture.node.forget();
        const groups = Array.from({ length: Math.ceil(exchanges.length / 25) }, (_, index) =>
          exchanges.slice(index * 25, (index + 1) * 25),
        );
        const bodies = groups.map((group) => `[${group.map(({ request }) => request).join(',')}]`);
        const answers = await postAll(fixture.port, bodies, { path: `/${mode}` });
        for (const [index, group] of groups.entries()) {
          expect(answers[index]?.body).toBe(`[${group.map(({ response }) => response).join(',')}]`);
        }
        expectForwarded(exchanges);
      });
    },
  );
});

/** The node got each request once, as it was sent but for the id. */
function expectForwarded(exchanges: readonly Exchange[]): void {
  const sent = exchanges.map(({ request }) => withId(request, '0'));
  const received = fixture.node.calls.map(({ text }) => withId(text, '0'));
  expect(received.toSorted()).toEqual(sent.toSorted());
  for (const { id } of fixture.node.calls) expect(id).toMatch(/^\d+$/);
  expect(sent.every((text) => membersOf(text).get('jsonrpc') === '"2.0"')).toBe(true);
}
