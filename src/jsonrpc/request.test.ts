import { describe, expect, test } from 'vitest';
import {
  FAULT_DEPTH,
  FAULT_DUPLICATE,
  FAULT_ID,
  FAULT_METHOD,
  FAULT_METHOD_MISSING,
  FAULT_NONE,
  FAULT_NOT_A_CALL,
  FAULT_PARAMS,
  FAULT_SPELLING,
  FAULT_TRAILING,
  FAULT_UTF8,
  FAULT_VERSION,
  FAULT_VERSION_MISSING,
  KIND_BATCH,
  KIND_OBJECT,
  KIND_OTHER,
  METHOD_BYTES_MAX,
  MessageScan,
  methodName,
  REQUEST_DEPTH_MAX,
  scanRequest,
} from './index.ts';
import { scan, slice } from './testing/scan.ts';

const call = (more: string): string => `{"jsonrpc":"2.0","method":"m"${more}}`;

test('finds the members of a call', () => {
  const text = '{"jsonrpc":"2.0","id":7,"method":"eth_call","params":[{"to":"0x0"},"latest"]}';
  const { accepted, scan: found, id, params, bytes } = scan(`\n ${text} \t`);
  expect(accepted).toBe(true);
  expect(found.kind).toBe(KIND_OBJECT);
  expect(slice(bytes, found.start, found.end)).toBe(text);
  expect(id).toBe('7');
  expect(params).toBe('[{"to":"0x0"},"latest"]');
  expect(methodName(bytes, found)).toBe('eth_call');
});

test('a call without an id is a notification, one without params has none', () => {
  const { accepted, id, params } = scan(call(''));
  expect(accepted).toBe(true);
  expect(id).toBeUndefined();
  expect(params).toBeUndefined();
});

test.each(
  [
    ['0', '-0', '1.0', '1e400', '9007199254740993', '-1.50E+02', 'null', '""', '"a b"', '"\\u0000"'],
    ['"\\ud800"', '"\\u0041"', '"\\/"', '123456789012345678901234567890', '"\u00e9\u{1f600}"'],
  ].flat(),
)('keeps the id %s byte for byte', (id) => {
  const found = scan(call(`,"id": ${id} `));
  expect(found.accepted).toBe(true);
  expect(found.id).toBe(Buffer.from(id).toString('latin1'));
});

describe('refuses', () => {
  test.each([
    ['an id that is an object', call(',"id":{}'), FAULT_ID],
    ['an id that is a list', call(',"id":[1]'), FAULT_ID],
    ['an id that is true', call(',"id":true'), FAULT_ID],
    ['params that are a string', call(',"params":"x"'), FAULT_PARAMS],
    ['params that are null', call(',"params":null'), FAULT_PARAMS],
    ['a missing version', '{"method":"m"}', FAULT_VERSION_MISSING],
    ['another version', '{"jsonrpc":"1.0","method":"m"}', FAULT_VERSION],
    ['a version that is a number', '{"jsonrpc":2.0,"method":"m"}', FAULT_VERSION],
    ['an escaped version', '{"jsonrpc":"2\\u002e0","method":"m"}', FAULT_VERSION],
    ['a missing method', '{"jsonrpc":"2.0"}', FAULT_METHOD_MISSING],
    ['an empty method', '{"jsonrpc":"2.0","method":""}', FAULT_METHOD],
    ['a method that is a number', '{"jsonrpc":"2.0","method":12345}', FAULT_METHOD],
    ['an empty object', '{}', FAULT_VERSION_MISSING],
    ['a string', '"x"', FAULT_NOT_A_CALL],
    ['two calls', `${call('')}${call('')}`, FAULT_TRAILING],
    ['invalid UTF-8', Buffer.from(call(',"id":"\xff"'), 'latin1'), FAULT_UTF8],
  ])('%s', (_what, text, fault) => {
    const { accepted, scan: found } = scan(text);
    expect(accepted).toBe(false);
    expect(found.fault).toBe(fault);
  });

  test.each(['jsonrpc', 'id', 'method', 'params'])('%s twice', (name) => {
    const value = { jsonrpc: '"2.0"', id: '1', method: '"m"', params: '[]' }[name];
    const text = `{"jsonrpc":"2.0","method":"m","id":1,"params":[],"${name}":${value}}`;
    const { accepted, scan: found, id } = scan(text);
    expect(accepted).toBe(false);
    expect(found.fault).toBe(FAULT_DUPLICATE);
    expect(id).toBe(name === 'id' ? undefined : '1');
  });

  test.each(
    [
      [
        'Method',
        'METHOD',
        'methoD',
        '\\u006dethod',
        'metho\\u0064',
        '\\u004dethod',
        'ID',
        'Id',
        'iD',
        '\\u0069d',
      ],
      [
        'JSONRPC',
        'jsonRpc',
        'json\\u0072pc',
        'Params',
        'param\\u0073',
        'param\u017f',
        'param\\u017f',
        'PARAM\u017f',
      ],
      ['\u0131d', '\u0130D', '\\u0131d', '\\u006D\\u0065\\u0074\\u0068\\u006F\\u0064'],
    ].flat(),
  )('the member name %s', (name) => {
    for (const value of ['"x"', '[]']) {
      expect(scan(call(`,"${name}":${value}`)).scan.fault).toBe(FAULT_SPELLING);
      expect(scan(`{"${name}":${value},"jsonrpc":"2.0","method":"m"}`).scan.fault).toBe(FAULT_SPELLING);
    }
  });

  test('a method of more than 256 bytes', () => {
    const text = (size: number) => `{"jsonrpc":"2.0","method":"${'m'.repeat(size)}"}`;
    expect(scan(text(METHOD_BYTES_MAX)).accepted).toBe(true);
    expect(scan(text(METHOD_BYTES_MAX + 1)).scan.fault).toBe(FAULT_METHOD);
  });

  test.each([
    ['[', ']'],
    ['{"a":', '}'],
  ])('nesting by %s deeper than 64', (open, close) => {
    const params = (depth: number) => call(`,"params":${open.repeat(depth)}[]${close.repeat(depth)}`);
    expect(scan(params(REQUEST_DEPTH_MAX - 2)).accepted).toBe(true);
    expect(scan(params(REQUEST_DEPTH_MAX - 1)).scan.fault).toBe(FAULT_DEPTH);
    expect(scan(open.repeat(100_000)).scan.fault).toBe(FAULT_DEPTH);
  });
});

test.each([
  'me',
  'methods',
  'xmethod',
  'met\\nhod',
  'ids',
  '',
  'meth\u00f6d',
  'i\u{1f600}',
  '__proto__',
  'method\\u0000',
  'jsonrpk',
])('other members are allowed: %s', (name) => {
  expect(scan(call(`,"${name}":{"Method":1,"id":1,"id":2}, "${name}":0`)).accepted).toBe(true);
});

test('envelope names inside params are not the envelope', () => {
  const { accepted, id } = scan(call(',"id":1,"params":{"id":2,"Method":3,"jsonrpc":4,"method":5,"id":6}'));
  expect(accepted).toBe(true);
  expect(id).toBe('1');
});

test('a fault in the text comes before one in the envelope and takes the id away', () => {
  const { scan: found, id } = scan('{"jsonrpc":"1.0","id":1,"method":"m",}');
  expect(found.fault).toBeLessThan(FAULT_DEPTH);
  expect(id).toBeUndefined();
});

test('an id that is sound stands beside a fault in the envelope', () => {
  expect(scan('{"id":"a","jsonrpc":"2.0","method":5}').id).toBe('"a"');
});

test('a batch is only checked as text', () => {
  const { accepted, scan: found } = scan('[{"jsonrpc":"1"},5]');
  expect(accepted).toBe(false);
  expect(found.kind).toBe(KIND_BATCH);
  expect(found.fault).toBe(FAULT_NONE);
});

test('long strings are checked to their last byte, wherever they lie', () => {
  const scanned = new MessageScan();
  for (const size of [1023, 1024, 1025, 3001]) {
    for (let offset = 0; offset < 5; offset++) {
      for (const bad of ['\n', '\x00', '\x1f', '\x80', '\xff']) {
        for (const place of [0, 7, 1024, 1030, size - 1]) {
          if (place >= size) continue;
          const text = `${'a'.repeat(place)}${bad}${'~'.repeat(size - place - 1)}`;
          const body = Buffer.from(
            `${' '.repeat(offset)}{"jsonrpc":"2.0","method":"m","params":["${text}"]}`,
            'latin1',
          );
          expect(scanRequest(body, offset, body.length, scanned)).toBe(false);
          expect(body[scanned.faultAt]).toBe(bad.charCodeAt(0));
        }
      }
    }
  }
});

test('the result may be reused: nothing of an earlier scan stays', () => {
  scan('{"jsonrpc":"2.0","id":1,"method":"a\\u0062","params":[]}');
  expect(scan('5').scan).toEqual(
    Object.assign(new MessageScan(), {
      from: 7,
      kind: KIND_OTHER,
      start: 7,
      end: 8,
      fault: FAULT_NOT_A_CALL,
      faultAt: 7,
    }),
  );
});
