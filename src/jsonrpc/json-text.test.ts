import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FAULT_DEPTH, FAULT_ID, FAULT_NONE, FAULT_PARAMS, KIND_BATCH } from './index.ts';
import { corpus, type Sample } from './testing/corpus.ts';
import { oracle, type Scanned, scan } from './testing/scan.ts';

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

function trimmed(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('latin1')
    .replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
}

const NOT_JSON = 'not JSON';

/** What became of a text; `bytes` is the range that was asked for, of an accepted call. */
function verdict({ accepted, scan: { fault } }: Scanned, bytes?: string): unknown {
  if (accepted) return { bytes };
  return fault !== FAULT_NONE && fault <= FAULT_DEPTH ? NOT_JSON : fault;
}

/** No sample is a call, but what is wrong with it depends on whether it is JSON. */
function isJson(sample: Sample): boolean {
  const found = scan(sample.bytes);
  const isAccepted = found.scan.kind === KIND_BATCH && found.scan.fault === FAULT_NONE;
  return found.accepted || isAccepted || found.scan.fault > FAULT_DEPTH;
}

function asParams({ bytes }: Sample): unknown[] {
  const last = scan(around('{"jsonrpc":"2.0","id":1,"method":"m","params":', bytes, '}'));
  const first = scan(around('{"params":', bytes, ',"jsonrpc":"2.0","id":1,"method":"m"}'));
  return [verdict(last, last.params), verdict(first, first.params)];
}

function asId({ bytes }: Sample): unknown {
  const found = scan(around('{"jsonrpc":"2.0","id":', bytes, ',"method":"m","params":[]}'));
  return verdict(found, found.id);
}

function expected({ bytes, valid }: Sample, firstBytes: string, otherwise: number): unknown {
  if (!valid) return NOT_JSON;
  const text = trimmed(bytes);
  return firstBytes.includes(text.charAt(0)) ? { bytes: text } : otherwise;
}

function outcome(sample: Sample): unknown {
  return { params: asParams(sample), id: asId(sample) };
}

function expectedOutcome(sample: Sample): unknown {
  const params = expected(sample, '[{', FAULT_PARAMS);
  return { params: [params, params], id: expected(sample, '"-0123456789n', FAULT_ID) };
}

describe('our own corpus of JSON texts', () => {
  test('has enough of both kinds', () => {
    expect(corpus.filter(({ valid }) => valid).length).toBeGreaterThan(250);
    expect(corpus.filter(({ valid }) => !valid).length).toBeGreaterThan(300);
  });

  test.each(corpus)('$name', (sample) => {
    expect(oracle(sample.bytes) !== undefined).toBe(sample.valid);
    expect(isJson(sample)).toBe(sample.valid);
    expect(outcome(sample)).toEqual(expectedOutcome(sample));
  });
});

// Public test data beside the checkout, if present.
describe.skipIf(!existsSync(suite))(
  'JSONTestSuite (skipped where ../shared/data/json-test-suite is absent)',
  () => {
    test.each(suiteSamples())('$name', (sample) => {
      expect(isJson(sample)).toBe(sample.valid);
      expect(outcome(sample)).toEqual(expectedOutcome(sample));
    });
  },
);
