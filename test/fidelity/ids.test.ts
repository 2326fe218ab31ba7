import { describe, expect, test } from 'vitest';
import { generatedIds } from './ids.ts';
import { modes, useModes } from './modes.ts';
import { postAll } from './raw-client.ts';

const count = 10_000;
const batchSize = 50;
const ids = generatedIds(count, 8540);

/**
 * A node that reads ids as numbers and writes them its own way, as most do: `1.0` comes back as `1`, `1e400` as `null`.
 * It says the id first or last in turn, and always the call's own number as the result.
 */
const fixture = useModes(({ params, id }) => {
  const [nonce = Number.NaN] = JSON.parse(params) as number[];
  const own = JSON.stringify(JSON.parse(Buffer.from(id, 'latin1').toString()));
  return nonce % 2 === 0
    ? `{"jsonrpc":"2.0","id":${own},"result":${nonce}}`
    : `{"result":${nonce},"jsonrpc":"2.0","id":${own}}`;
});

const calls = ids.map((id, nonce) =>
  nonce % 3 === 0
    ? `{"id":${id},"jsonrpc":"2.0","params":[${nonce}],"method":"eth_getBalance"}`
    : `{"jsonrpc":"2.0","method":"eth_getBalance","params":[${nonce}],"id":${id}}`,
);
const answers = ids.map((id, nonce) =>
  nonce % 2 === 0
    ? `{"jsonrpc":"2.0","id":${id},"result":${nonce}}`
    : `{"result":${nonce},"jsonrpc":"2.0","id":${id}}`,
);

test('the ids are of all kinds', () => {
  expect(ids.filter((id) => /^-?\d+$/.test(id)).length).toBeGreaterThan(1000);
  expect(ids.filter((id) => /^-?\d.*[.eE]/.test(id)).length).toBeGreaterThan(1000);
  expect(ids.filter((id) => id.startsWith('"') && id.includes('\\u')).length).toBeGreaterThan(1000);
  expect(ids.filter((id) => /[\u0080-\u00ff]/.test(id)).length).toBeGreaterThan(1000);
  expect(ids.filter((id) => id === 'null').length).toBeGreaterThan(100);
  for (const id of ['1.0', '1e400', '-0', '9007199254740993']) expect(ids).toContain(id);
});

describe.each(modes)('%s: 10,000 ids come back byte for byte', (mode) => {
  test('one call a request', async () => {
    fixture.node.forget();
    const got = await postAll(fixture.port, calls, { path: `/${mode}`, connections: 16 });
    expectEqual(
      got.map(({ body }) => body),
      answers,
    );
    expect(fixture.node.calls).toHaveLength(count);
    if (mode === 'batched') expect(fixture.node.batches()).toBeGreaterThan(0);
    if (mode === 'pipelined') expect(fixture.node.pipelined()).toBeGreaterThan(0);
  });

  test('one call a request, in chunks', async () => {
    const got = await postAll(fixture.port, calls, { path: `/${mode}`, connections: 16, chunked: true });
    expectEqual(
      got.map(({ body }) => body),
      answers,
    );
  });

  test('in batches', async () => {
    fixture.node.forget();
    const inBatches = (texts: readonly string[]) =>
      Array.from({ length: count / batchSize }, (_, index) =>
        texts.slice(index * batchSize, (index + 1) * batchSize).join(','),
      ).map((items) => `[${items}]`);
    const got = await postAll(fixture.port, inBatches(calls), { path: `/${mode}` });
    expectEqual(
      got.map(({ body }) => body),
      inBatches(answers),
    );
    expect(fixture.node.calls).toHaveLength(count);
  });
});

/** As toEqual, but shows the first difference alone. */
function expectEqual(got: readonly string[], wanted: readonly string[]): void {
  const at = wanted.findIndex((text, index) => got[index] !== text);
  expect(got[at], `answer ${at}`).toBe(wanted[at]);
  expect(got).toHaveLength(wanted.length);
}
