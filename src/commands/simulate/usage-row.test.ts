import { expect, test } from 'vitest';
import { createUsageRowReader, csvColumns } from './usage-row.ts';

const id = '6f1c7a52-0000-8000-8000-000000000001';
const read = createUsageRowReader();
const row = { api_key_id: id, method: 'eth_call', status: 'allowed', timestamp: 1_764_370_913_123 };

test.each([
  [1_764_370_913_123, 1_764_370_913_123_000],
  ['1764370913123', 1_764_370_913_123_000],
  ['2025-11-28 23:01:53.123+00', 1_764_370_913_123_000],
  ['2025-11-28 23:01:53+00', 1_764_370_913_000_000],
  ['2025-11-29 00:31:53.5+01:30', 1_764_370_913_500_000],
  ['2025-11-28T23:01:53.123456Z', 1_764_370_913_123_456],
])('a row at %s', (timestamp, at) => {
  expect(read({ ...row, timestamp })).toMatchObject({
    at,
    keyId: id,
    method: 'eth_call',
    refusedThen: false,
  });
});

test.each([
  [{ timestamp: 'yesterday' }, { bad: 'timestamp is "yesterday", no time' }],
  [{ status: 'maybe' }, { bad: 'status is "maybe", not allowed, burst or exceeded' }],
  [{ method: '' }, { bad: 'no method' }],
  [{ api_key_id: '' }, { skip: 'no caller' }],
  [{ api_key_id: null }, { skip: 'no caller' }],
])('a row with %j', (change, found) => {
  expect(read({ ...row, ...change })).toEqual(found);
});

test('CSV with quotes, more columns and Windows’ line ends', () => {
  const cells = csvColumns('id,"timestamp",method,api_key_id,status\r');
  expect(cells?.(`1,1764370913123,"eth_call,""x""",${id},burst\r`)).toEqual({
    ...row,
    ...{ method: 'eth_call,"x"', status: 'burst', timestamp: '1764370913123' },
  });
  expect(cells?.('1,2,3')).toBeUndefined();
  expect(cells?.('1,2,"3,4,5')).toBeUndefined();
  expect(csvColumns('level,time,method')).toBeUndefined();
});
