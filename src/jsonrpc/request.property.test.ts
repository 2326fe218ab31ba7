import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  FAULT_DEPTH,
  FAULT_NONE,
  FAULT_NOT_A_CALL,
  KIND_BATCH,
  KIND_OBJECT,
  KIND_OTHER,
  MessageScan,
  methodName,
  scanBatch,
  scanRequest,
} from './index.ts';
import { oracle, place, scan, slice } from './testing/scan.ts';

const runs = process.env.POLYMORPH_TEST_LONG === '1' ? 300_000 : 2000;

/** JSON text of a value with white space and escapes put in where the grammar allows them. */
const space = fc.constantFrom('', '', '', ' ', '\n', '\t', '\r\n ');
const jsonText = fc
  .tuple(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(undefined, 1, '\t', '\r\n'), fc.boolean())
  .map(([value, indent, escaped]) => {
    const text = JSON.stringify(value, undefined, indent);
    return escaped
      ? text.replace(/[^\t\n\r -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      : text;
  });

const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('jsonrpc', 'id', 'method', 'params') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'Id',
      'METHOD',
      '\\u0069d',
      'param\u017f',
      'param\\u017F',
      'json\\u0052pc',
      'metho\\/d',
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom('extra', '', 'i', 'me\u00e9', 'jsonrpc2', '\\ud800') },
);
const value = fc.oneof(
  fc.constantFrom(
    '"2.0"',
    '"2.0"',
    '"eth_call"',
    '"m\\u0065"',
    '1',
    '-0',
    '1.0',
    '1e400',
    'null',
    'true',
    '[]',
    '{}',
    '""',
    '[1,{"id":2}]',
  ),
  jsonText,
);
type Member = [rawName: string, rawValue: string];
/** Mostly whole calls, with members put in, left out and shuffled. */
const members: fc.Arbitrary<Member[]> = fc
  .tuple(
    fc.subarray<Member>(
      [
        ['jsonrpc', '"2.0"'],
        ['method', '"eth_call"'],
        ['id', '9007199254740993'],
        ['params', '[1]'],
      ],
      { minLength: 2 },
    ),
    fc.array(fc.tuple(name, value), { maxLength: 3 }),
  )
  .chain(([base, more]) => {
    const all: Member[] = [...base, ...more];
    return fc.shuffledSubarray(all, { minLength: all.length });
  });

const ENVELOPE = ['jsonrpc', 'id', 'method', 'params'];

/** The rules of the envelope, said again in the plainest way. */
function isValidCall(pairs: Member[]): boolean {
  const found = new Map<string, unknown>();
  for (const [rawName, rawValue] of pairs) {
    const read = JSON.parse(`"${rawName}"`) as string;
    const folded = ENVELOPE.find(
      (known) => known === read.toLowerCase() || known.toUpperCase() === read.toUpperCase(),
    );
    if (folded === undefined) continue;
    if (rawName !== folded || found.has(folded)) return false;
    found.set(folded, rawValue === '"2.0"' || folded !== 'jsonrpc' ? JSON.parse(rawValue) : undefined);
  }
  const id = found.get('id');
  const params = found.get('params');
  const method = found.get('method');
  return (
    found.get('jsonrpc') === '2.0' &&
    typeof method === 'string' &&
    method !== '' &&
    (!found.has('id') || id === null || typeof id === 'string' || typeof id === 'number') &&
    (!found.has('params') || (typeof params === 'object' && params !== null))
  );
}

function callText(pairs: Member[], pad: string): string {
  return `${pad}{${pad}${pairs.map(([key, raw]) => `"${key}"${pad}:${pad}${raw}${pad}`).join(`,${pad}`)}}${pad}`;
}

test('a call is accepted exactly if the model of the envelope says so, its ranges being what was written', () => {
  fc.assert(
    fc.property(members, space, (pairs, pad) => {
      fc.pre(pairs.every(([key, raw]) => key !== 'method' || raw.length <= 258));
      const { accepted, scan: found, id, params, bytes } = scan(callText(pairs, pad));
      expect(accepted).toBe(isValidCall(pairs));
      expect(accepted || found.fault > FAULT_DEPTH).toBe(true);
      if (!accepted) return;
      const written = (key: string): string | undefined => {
        const raw = pairs.find(([known]) => known === key)?.[1].trim();
        return raw === undefined ? undefined : Buffer.from(raw).toString('latin1');
      };
      expect(id).toBe(written('id'));
      expect(params).toBe(written('params'));
      expect(methodName(bytes, found)).toBe(
        JSON.parse(Buffer.from(written('method') as string, 'latin1').toString()),
      );
    }),
    { numRuns: runs },
  );
});

test('every text JSON.parse accepts is JSON to the scan, alone and as params and id', () => {
  fc.assert(
    fc.property(jsonText, (text) => {
      const { scan: found } = scan(text);
      expect(found.fault === FAULT_NONE || found.fault > FAULT_DEPTH).toBe(true);
      const first = text.charAt(0);
      const inCall = scan(`{"jsonrpc":"2.0","id":1,"method":"m","params":${text}}`);
      expect(inCall.accepted).toBe(first === '[' || first === '{');
      const asId = scan(`{"jsonrpc":"2.0","id":${text},"method":"m"}`);
      expect(asId.accepted).toBe(!'[{tf'.includes(first));
    }),
    { numRuns: runs },
  );
});

const mutation = fc.tuple(
  fc.nat(),
  fc.constantFrom('replace', 'insert', 'delete', 'cut', 'double'),
  fc.oneof(
    fc.constantFrom(
      ...Buffer.from('"\\,:[]{}0123456789.eE+-tfnul \n\t\x00\x1f\x7f\x80\xc3\xa9\xe2\xf0\xff', 'latin1'),
    ),
    fc.nat(255),
  ),
);

function mutate(body: Buffer, [where, how, byte]: [number, string, number]): Buffer {
  const at = where % (body.length + 1);
  const head = body.subarray(0, at);
  if (how === 'cut') return head;
  if (how === 'double') return Buffer.concat([head, body.subarray(Math.floor(at / 2))]);
  const rest = body.subarray(how === 'insert' ? at : at + 1);
  return Buffer.concat(how === 'delete' ? [head, rest] : [head, Buffer.of(byte), rest]);
}

test('damaged texts are JSON to the scan exactly if they are to JSON.parse', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        members.map((pairs) => callText(pairs, '')),
        jsonText,
      ),
      fc.array(mutation, { minLength: 1, maxLength: 3 }),
      (text, mutations) => {
        const body = mutations.reduce<Buffer>((bytes, each) => mutate(bytes, each), Buffer.from(text));
        const { accepted, scan: found, from, to } = scan(body);
        const isJson = found.fault === FAULT_NONE || found.fault > FAULT_DEPTH;
        expect(isJson).toBe(oracle(body) !== undefined);
        const kinds = accepted ? [KIND_OBJECT] : [KIND_OBJECT, KIND_BATCH, KIND_OTHER];
        expect(kinds).toContain(found.kind);
        expect(found.fault === FAULT_NONE).toBe(accepted || (isJson && found.kind === KIND_BATCH));
        expect(found.fault === FAULT_NONE || (found.faultAt >= from && found.faultAt <= to)).toBe(true);
      },
    ),
    { numRuns: runs * 3 },
  );
});

test('any bytes at all are JSON to the scan exactly if they are to JSON.parse', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc
      .string({ unit: fc.constantFrom(...Array.from('[]{}",:0-1.e+ \\un')), maxLength: 14 })
      .map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(bytes, (body) => {
      const { scan: found } = scan(body);
      expect(found.fault === FAULT_NONE || found.fault > FAULT_DEPTH).toBe(oracle(body) !== undefined);
    }),
    { numRuns: runs * 3 },
  );
});

test('depth counts every container, and only 64 are let in', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 50, maxLength: 75 }), fc.boolean(), (kinds, inBatch) => {
      const open = kinds.map((isArray) => (isArray ? '[' : '{"a":')).join('');
      const close = kinds
        .map((isArray) => (isArray ? ']' : '}'))
        .toReversed()
        .join('');
      const text = inBatch ? `[${open}0${close}]` : `{"p":${open}0${close}}`;
      expect(scan(text).scan.fault === FAULT_DEPTH).toBe(kinds.length + 1 > 64);
    }),
    { numRuns: 300 },
  );
});

test("a batch's items are scanned as each would be alone", () => {
  const item = fc.oneof(
    members.map((pairs) => callText(pairs, '')),
    jsonText,
  );
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 5 }), space, (items, pad) => {
      const text = `${pad}[${pad}${items.join(`${pad},${pad}`)}${pad}]${pad}`;
      const { bytes, from, to } = place(text);
      const whole = new MessageScan();
      expect(scanRequest(bytes, from, to, whole)).toBe(false);
      expect(whole.fault).toBe(FAULT_NONE);
      const batch = scanBatch(bytes, from, to, 5);
      if (!('items' in batch)) throw new Error('refused');
      expect(batch.items.length).toBe(items.length);
      for (const [index, found] of batch.items.entries()) {
        const alone = scan(items[index] as string);
        const written = Buffer.from((items[index] as string).trim()).toString('latin1');
        expect(slice(bytes, found.start, found.end)).toBe(written);
        expect(slice(bytes, found.idStart, found.idEnd)).toBe(alone.id);
        expect(slice(bytes, found.paramsStart, found.paramsEnd)).toBe(alone.params);
        expect(found.fault).toBe(alone.scan.kind === KIND_BATCH ? FAULT_NOT_A_CALL : alone.scan.fault);
        expect(methodName(bytes, found)).toBe(methodName(alone.bytes, alone.scan));
      }
    }),
    { numRuns: runs },
  );
});
