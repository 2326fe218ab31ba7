import { expect, test } from 'vitest';
import { terminalSvg, textOfSvg } from './terminal-svg.ts';

const rows = [
  '\u001b[1mcalls\u001b[0m 12 \u001b[1;38;5;208m! <3 & more\u001b[0m',
  '',
  '  \u001b[7mCALLER   \u001b[27mx',
];

test('text stands in its cells and is found again', () => {
  const svg = terminalSvg(rows, 40, 'a terminal');
  expect(textOfSvg(svg)).toEqual(['calls 12 ! <3 & more', '', '  CALLER   x']);
  expect(svg).toContain('font-weight="bold"');
  expect(svg).toContain('fill:#f0883e');
  expect(svg).toContain('<title>a terminal</title>');
});

test('a sequence that is no style is not drawn over', () => {
  expect(() => terminalSvg(['\u001b[2Jx'], 40, '')).toThrow('not known');
  expect(() => terminalSvg(['\u001b[5mx'], 40, '')).toThrow('no picture');
});
