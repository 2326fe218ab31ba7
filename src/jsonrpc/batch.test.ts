import { describe, expect, test } from 'vitest';
import {
  FAULT_BATCH_EMPTY,
  FAULT_BATCH_SIZE,
  FAULT_METHOD,
  FAULT_NONE,
  FAULT_NOT_A_CALL,
  joinAnswers,
  scanBatch,
} from './index.ts';
import { place, slice } from './testing/scan.ts';

function batch(text: string, itemsMax = 100) {
  const { bytes, from, to } = place(text);
  return { bytes, from, found: scanBatch(bytes, from, to, itemsMax) };
}

const CALL = '{"jsonrpc":"2.0","id":1,"method":"m"}';

test('each item has its own fault', () => {
  const { bytes, found } = batch(
    ` [ ${CALL} , 5, [${CALL}], {"jsonrpc":"2.0","id":"x","method":1}, {"jsonrpc":"2.0","method":"n"}]`,
  );
  if (!('items' in found)) throw new Error('refused');
  expect(found.items.map(({ fault }) => fault)).toEqual([
    FAULT_NONE,
    FAULT_NOT_A_CALL,
    FAULT_NOT_A_CALL,
    FAULT_METHOD,
    FAULT_NONE,
  ]);
  expect(found.items.map(({ idStart, idEnd }) => slice(bytes, idStart, idEnd))).toEqual([
    '1',
    undefined,
    undefined,
    '"x"',
    undefined,
  ]);
  expect(found.items.map(({ start, end }) => slice(bytes, start, end))[0]).toBe(CALL);
});

test.each(['[]', ' [ \n] '])('an empty batch is refused as a whole: %j', (text) => {
  expect(batch(text).found).toMatchObject({ fault: FAULT_BATCH_EMPTY });
});

test('a batch over the bound is refused as a whole, where the first item too many begins', () => {
  const text = `[${[CALL, CALL, CALL].join()}]`;
  expect(batch(text, 3).found).toHaveProperty('items.length', 3);
  const { found, from } = batch(text, 2);
  expect(found).toEqual({ from, fault: FAULT_BATCH_SIZE, faultAt: from + text.lastIndexOf(CALL) });
});

test.each(['[1', '[1,]', '[{}', '[{"a":}]', '5', '', '[1 2]', `[${'['.repeat(100)}`])(
  'a text that was never checked gives a fault, no items: %j',
  (text) => {
    expect(batch(text).found).toHaveProperty('fault');
  },
);

describe('joinAnswers', () => {
  test('puts answers in one array, leaving out those of notifications', () => {
    const joined = joinAnswers([
      undefined,
      '{"id":"\xc3\xa9"}',
      Buffer.alloc(0),
      Buffer.from('{"id":2}'),
      '',
      '3',
    ]);
    expect(joined?.toString('utf8')).toBe('[{"id":"é"},{"id":2},3]');
    expect(joinAnswers(['1'])?.toString()).toBe('[1]');
  });

  test('nothing to answer is no body', () => {
    expect(joinAnswers([])).toBeUndefined();
    expect(joinAnswers([undefined, ''])).toBeUndefined();
  });
});
