import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type KeySources,
  keyConflict,
  keyFoundIn,
  keyInProtocols,
  keyInQuery,
  presentedKey,
} from './presented-key.ts';

const key = fc.option(fc.constantFrom('one', 'two', ''), { nil: undefined });

describe('presentedKey', () => {
  it('is the one value all places agree on', () => {
    fc.assert(
      fc.property(key, key, key, key, key, (xApiKey, bearer, path, query, subprotocol) => {
        const authorization = bearer === undefined ? undefined : `Bearer ${bearer}`;
        const values = new Set(
          [xApiKey, bearer, path, query, subprotocol].filter((value) => value !== undefined),
        );
        const expected = values.size > 1 ? keyConflict : [...values][0];
        expect(presentedKey({ xApiKey, authorization, path, query, subprotocol })).toBe(expected);
      }),
    );
  });

  it.each([
    ['Bearer one', 'one'],
    ['bearer one', 'one'],
    ['BEARER   one', 'one'],
    ['Bearer', ''],
    ['Bearer ', ''],
    ['Bearer one two', 'one two'],
    ['Basic b25lOnR3bw==', undefined],
    ['Bearerone', undefined],
    ['', undefined],
  ])('Authorization: %s → %s', (authorization, expected) => {
    expect(presentedKey({ authorization })).toBe(expected);
  });

  it('passes a conflict within the query on', () => {
    expect(presentedKey({ query: keyConflict })).toBe(keyConflict);
    expect(presentedKey({ query: keyConflict, xApiKey: 'one' })).toBe(keyConflict);
  });
});

describe('keyInProtocols', () => {
  it.each([
    [[], undefined],
    [['json-rpc'], undefined],
    [['json-rpc', 'api-key.one'], 'one'],
    [['api-key.one', 'api-key.one'], 'one'],
    [['api-key.'], ''],
    [['API-KEY.one'], undefined],
    [['api-key.one', 'api-key.two'], keyConflict],
  ])('%j → %s', (protocols, expected) => {
    expect(keyInProtocols(protocols)).toBe(expected);
  });
});

describe('keyFoundIn', () => {
  it.each<[KeySources, string | null]>([
    [{ xApiKey: 'a', authorization: 'Bearer a', path: 'a', query: 'a' }, 'x-api-key'],
    [{ authorization: 'Bearer a', path: 'a', query: 'a' }, 'bearer'],
    [{ authorization: 'Basic a', path: 'a', query: 'a' }, 'path'],
    [{ query: 'a' }, 'query'],
    [{ authorization: 'Basic a' }, null],
    [{}, null],
  ])('%o: %s', (sources, place) => {
    expect(keyFoundIn(sources)).toBe(place);
  });
});

describe('keyInQuery', () => {
  it.each([
    ['api_key=one', 'one'],
    ['a=1&api_key=one&b=2', 'one'],
    ['api_key=%6fne', 'one'],
    ['api_key=%zz', '%zz'],
    ['api_key=', ''],
    ['api_key', ''],
    ['api_key=one&api_key=one', 'one'],
    ['api_key=one&api_key=two', keyConflict],
    ['api_key=one&api_key', keyConflict],
    ['xapi_key=one', undefined],
    ['API_KEY=one', undefined],
    ['__proto__=one&api_keys=two', undefined],
    ['', undefined],
  ])('%s', (query, expected) => {
    expect(keyInQuery(query)).toBe(expected);
  });
});
