import { expect, it } from 'vitest';
import { problemLine } from './problem-line.ts';

it('makes one short line of what anybody may say', () => {
  expect(problemLine('a\u0000b\r\nc\u001b[31m\u2028d ')).toBe('a b c [31m d');
  expect(problemLine(`${'x'.repeat(499)}😀`)).toBe(`${'x'.repeat(499)}\ufffd`);
});
