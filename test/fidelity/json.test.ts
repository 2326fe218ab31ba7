import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { isJson, type JsonCase, ownJsonCases, readJsonTestSuite } from './json-corpus.ts';
import { itemsOf } from './json-text.ts';
import { modes, useModes } from './modes.ts';
import { postAll, type RawAnswer } from './raw-client.ts';

const suites = {
  'own corpus': ownJsonCases(),
  JSONTestSuite: readJsonTestSuite(
    fileURLToPath(new URL('../../../shared/data/json-test-suite', import.meta.url)),
  ),
};

const fixture = useModes(({ id }) => `{"jsonrpc":"2.0","id":${id},"result":true}`);

const ways = [
  ...modes.map((mode) => ({ name: mode, path: `/${mode}`, chunked: false })),
  { name: 'in chunks', path: '/single', chunked: true },
];

/** Answers to these bodies, and what the node was asked meanwhile: the whole objects. */
async function post(
  bodies: readonly string[],
  { path, chunked }: (typeof ways)[number],
): Promise<{ answers: RawAnswer[]; received: string[] }> {
  fixture.node.forget();
  const answers = await postAll(fixture.port, bodies, { path, chunked });
  return { answers, received: fixture.node.calls.map(({ text }) => text) };
}

/** A refusal of the whole body. */
function expectRefused(answer: RawAnswer | undefined, codes: readonly number[], name: string): void {
  expect(answer?.status, name).toBe(400);
  const { jsonrpc, id, error } = JSON.parse(answer?.body ?? '');
  expect(jsonrpc, name).toBe('2.0');
  expect(codes, `${name}: ${answer?.body}`).toContain(error.code);
  expect(error.data.requestId, name).toBeTypeOf('string');
  if (error.code === -32700) expect(id, name).toBeNull();
}

/** Beyond 64 levels a text is refused before it is known whether it is one, with -32600. */
const notJson = [-32700, -32600];

describe.each(Object.entries(suites))('%s', (name, cases) => {
  const absent = cases.length === 0;
  describe.skipIf(absent)(
    absent ? `the public test data ${name} is not beside the checkout` : 'is there',
    () => {
      const good = cases.filter(({ valid }) => valid);
      const bad = cases.filter(({ valid }) => !valid);

      test('is what it says', () => {
        for (const { name, text, valid } of cases) expect(isJson(text), name).toBe(valid);
        expect(Math.min(good.length, bad.length)).toBeGreaterThan(90);
      });

      test.each(ways)('$name: as the body: none is a call, none reaches the node', async (way) => {
        const bodies = [...good, ...bad];
        const { answers, received } = await post(
          bodies.map(({ text }) => text),
          way,
        );
        expect(received).toEqual([]);
        for (const [index, { name, text, valid }] of bodies.entries()) {
          const answer = answers[index];
          if (!valid) expectRefused(answer, notJson, name);
          else if (!/^\s*\[\s*[^\s\]]/.test(text)) expectRefused(answer, [-32600], name);
          else {
            // A batch: each item is refused by itself.
            const errors = JSON.parse(answer?.body ?? '') as { error: { code: number } }[];
            expect(
              errors.map(({ error }) => error.code),
              name,
            ).toEqual(itemsOf(text).map(() => -32600));
          }
        }
      });

      test.each(ways)('$name: as params: good ones travel as they are, others are refused', async (way) => {
        const call = (id: string, params: string) =>
          `{"jsonrpc":"2.0","id":${id},"method":"eth_call","params":${params}}`;
        const structured = ({ text }: JsonCase) => /^\s*[[{]/.test(text);
        const paramsOf = (one: JsonCase) => (structured(one) ? one.text : `[${one.text}]`);
        const { answers, received } = await post(
          good.map((one, index) => call(String(index), paramsOf(one))),
          way,
        );
        for (const [index, { name }] of good.entries()) {
          expect(answers[index], name).toEqual({
            status: 200,
            body: `{"jsonrpc":"2.0","id":${index},"result":true}`,
          });
        }
        const upstreamId = (text: string) => text.replace(/"id":\d+/, '"id":0');
        expect(received.map(upstreamId).toSorted()).toEqual(
          good.map((one) => call('0', paramsOf(one))).toSorted(),
        );

        const scalars = good.filter((one) => !structured(one));
        const refused = await post(
          [...scalars, ...bad].map(({ text }) => call('1', text)),
          way,
        );
        expect(refused.received).toEqual([]);
        [...scalars, ...bad].forEach(({ name, valid }, index) =>
          expectRefused(refused.answers[index], valid ? [-32600] : notJson, name),
        );
      });

      test.each(ways)(
        '$name: as the id: strings, numbers and null come back, others are refused',
        async (way) => {
          const call = (id: string) => `{"jsonrpc":"2.0","id":${id},"method":"eth_call","params":[]}`;
          const ids = good.filter(({ text }) => /^\s*["\d-]|^\s*null/.test(text));
          const { answers, received } = await post(
            ids.map(({ text }) => call(text)),
            way,
          );
          for (const [index, { name, text }] of ids.entries()) {
            expect(answers[index], name).toEqual({
              status: 200,
              body: `{"jsonrpc":"2.0","id":${text.trim()},"result":true}`,
            });
          }
          expect(received).toHaveLength(ids.length);

          const others = cases.filter((one) => !ids.includes(one));
          const refused = await post(
            others.map(({ text }) => call(text)),
            way,
          );
          expect(refused.received).toEqual([]);
          others.forEach(({ name, valid }, index) =>
            expectRefused(refused.answers[index], valid ? [-32600] : notJson, name),
          );
        },
      );
    },
  );
});
