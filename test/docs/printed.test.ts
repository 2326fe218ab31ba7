import { expect, test } from 'vitest';
import { matchPrinted, withBindings } from './printed.ts';

const matches = (shown: string, printed: string): boolean =>
  matchPrinted(shown, printed, new Map()) !== undefined;

test.each([
  ['a\nb\n', 'a \nb'],
  ['', '\n'],
  ['took … ms', 'took 12.5 ms'],
  ['a\n…\nb', 'a\n1\n2\nb'],
  ['a\n…\nb', 'a\nb'],
  ['at 2026-11-29T10:00:00.000Z', 'at 2027-01-02T03:04:05.678Z'],
  ['id 01a22206-ca00-7d5e-9a0f-3c7b1e6d2f48', 'id ffffffff-ca00-7d5e-9a0f-3c7b1e6d2f48'],
  ['"requestId":"3k9x2m-0-2a"', '"requestId":"dqg3tu-1-1"'],
  ['3k9x2m-0-2a and 3k9x2m-0-2a', 'dqg3tu-1-1 and dqg3tu-1-1'],
  ['(a) [b] $c', '(a) [b] $c'],
])('%j is %j', (shown, printed) => expect(matches(shown, printed)).toBe(true));

test.each([
  ['a', 'b'],
  ['a', 'a\nb'],
  ['a\nb', 'a'],
  ['a\n…\nb', 'a\nb\nc'],
  ['took … ms', 'took 12.5 s'],
  ['at 2026-11-29T10:00:00.000Z', 'at noon'],
  ['3k9x2m-0-2a and 3k9x2m-0-2a', 'dqg3tu-1-1 and dqg3tu-1-2'],
  ['retryAfterMs: 10', 'retryAfterMs: 11'],
  ['a.b', 'axb'],
])('%j is not %j', (shown, printed) => expect(matches(shown, printed)).toBe(false));

test('what was printed for an id of the page is typed in its place, and expected from then on', () => {
  const bindings = matchPrinted(
    'key pp_live_R09CwKqfp8xYR6Qnx6cZ',
    'key pp_live_AAAAAAAAAAAAAAAAAAAAAAAA',
    new Map(),
  )!;
  expect(withBindings('curl -H "x-api-key: pp_live_R09CwKqfp8xYR6Qnx6cZ"', bindings)).toBe(
    'curl -H "x-api-key: pp_live_AAAAAAAAAAAAAAAAAAAAAAAA"',
  );
  expect(
    matchPrinted('pp_live_R09CwKqfp8xYR6Qnx6cZ', 'pp_live_BBBBBBBBBBBBBBBBBBBBBBBB', bindings),
  ).toBeUndefined();
});
