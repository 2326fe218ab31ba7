import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FAULT_DEPTH, FAULT_ID, FAULT_NONE, FAULT_PARAMS, KIND_BATCH } from './index.ts';
import { corpus, type Sample } from './testing/corpus.ts';
import { oracle, scan } from './testing/scan.ts';

const suite = new URL('../../../shared/data/json-test-suite/', import.meta.url);

function suiteSamples(): Sample[] {
  if (!existsSync(suite)) return [];
  return readdirSync(suite)
    .filter((name) => /^[yn]_.*\.json$/.test(name))
    .map((name) => ({
      name,
      bytes: readFileSync(new URL(encodeURIComponent(name), suite)),
      valid: name.startsWith('y_'),
    }));
}

const around = (before: string, bytes: Uint8Array, after: string): Buffer =>
  Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)]);

function firstByte(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1').trim().charAt(0);
}

function trimmed(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('latin1')
    .replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
}

function decideAsBody({ bytes, valid }: Sample): void {
  const { accepted, scan: found } = scan(bytes);
  expect(accepted).toBe(false);
  if (!valid) expect(found.fault).not.toBe(FAULT_NONE);
  else if (found.kind === KIND_BATCH) expect(found.fault).toBe(FAULT_NONE);
  else expect(found.fault).toBeGreaterThan(FAULT_DEPTH);
  if (!valid) expect(found.fault).toBeLessThanOrEqual(FAULT_DEPTH);
}

function decideAsParams({ bytes, valid }: Sample): void {
  const isContainer = '[{'.includes(firstByte(bytes) || 'x');
  for (const [before, after] of [
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":', '}'],
    ['{"params":', ',"jsonrpc":"2.0","id":1,"method":"m"}'],
  ] as const) {
    const { accepted, scan: found, params } = scan(around(before, bytes, after));
    expect(accepted).toBe(valid && isContainer);
    if (accepted) expect(params).toBe(trimmed(bytes));
    else if (valid) expect(found.fault).toBe(FAULT_PARAMS);
    else expect(found.fault).toBeLessThanOrEqual(FAULT_DEPTH);
  }
}

function decideAsId({ bytes, valid }: Sample): void {
  const isIdentifier = !'[{tf'.includes(firstByte(bytes) || '[');
  const {
    accepted,
    scan: found,
    id,
  } = scan(around('{"jsonrpc":"2.0","id":', bytes, ',"method":"m","params":[]}'));
  expect(accepted).toBe(valid && isIdentifier);
  if (accepted) expect(id).toBe(trimmed(bytes));
  else if (valid) expect(found.fault).toBe(FAULT_ID);
  else expect(found.fault).toBeLessThanOrEqual(FAULT_DEPTH);
}

describe('our own corpus of JSON texts', () => {
  test('has enough of both kinds', () => {
    expect(corpus.filter(({ valid }) => valid).length).toBeGreaterThan(250);
    expect(corpus.filter(({ valid }) => !valid).length).toBeGreaterThan(300);
  });

  test.each(corpus)('$name', (sample) => {
    expect(oracle(sample.bytes) !== undefined).toBe(sample.valid);
    decideAsBody(sample);
    decideAsParams(sample);
    decideAsId(sample);
  });
});

// Public test data beside the checkout, if present.
describe.skipIf(!existsSync(suite))(
  'JSONTestSuite (skipped where ../shared/data/json-test-suite is absent)',
  () => {
    test.each(suiteSamples())('$name', (sample) => {
      decideAsBody(sample);
      decideAsParams(sample);
      decideAsId(sample);
    });
  },
);
