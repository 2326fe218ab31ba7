import { expect, test } from 'vitest';
import { createRedactor } from './redact.ts';

const redact = createRedactor(['the-admin-token', 'short']);
const key = 'pp_live_0123456789abcdefghijABCDEF012345';

test.each([
  [`{"msg":"caller ${key} is new"}`, '{"msg":"caller pp_live_01234567… is new"}'],
  [`{"url":"/eth/${key}"}`, '{"url":"/eth/pp_live_01234567…"}'],
  ['{"url":"/?api_key=abcdefghijklmnopqrstuvwx&x=1"}', '{"url":"/?api_key=[redacted]&x=1"}'],
  ['{"authorization":"Bearer abc.def-ghi"}', '{"authorization":"Bearer [redacted]"}'],
  ['{"x-api-key":"abcdefghijklmnopqrstuv"}', '{"x-api-key":"[redacted]"}'],
  ['x-api-key: abcdefghijklmnopqrstuv', 'x-api-key: [redacted]'],
  ['{"upstream":"https://user:pass@node.example/"}', '{"upstream":"https://[redacted]@node.example/"}'],
  ['{"msg":"token the-admin-token was sent"}', '{"msg":"token [redacted] was sent"}'],
  ['{"msg":"a short line, pp_live_01234567 only"}', '{"msg":"a short line, pp_live_01234567 only"}'],
])('%s', (line, expected) => expect(redact(line)).toBe(expected));
