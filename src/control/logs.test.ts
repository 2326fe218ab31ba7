import { expect, test } from 'vitest';
import { type LogOptions, openLog } from './logs.ts';

function open(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const output = { write: (line: string) => void lines.push(line) };
  return { lines, ...openLog({ level: 'info', format: 'json', colour: false, output, ...options }) };
}

test('JSON lines with a level name and an ISO time', () => {
  const { lines, logger } = open();
  logger.info({ generation: 3 }, 'policy applied');
  logger.debug('not written');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
    generation: 3,
    msg: 'policy applied',
  });
});

test('readable lines for a terminal, without colour where none is wanted', () => {
  const { lines, logger } = open({ format: 'pretty' });
  logger.warn({ slot: 1 }, 'worker replaced');
  expect(lines.join('')).toMatch(/WARN.*: worker replaced\n\s+slot: 1\n/);
  expect(lines.join('')).not.toContain('\u001b[');
});

test.each(['json', 'pretty'] as const)('keys and tokens never get through, in %s', (format) => {
  const { lines, logger, addSecrets } = open({ format, secrets: ['first-token'] });
  addSecrets(['second-token']);
  logger.info(
    { headers: { 'x-api-key': 'canary-canary-canary-1' }, a: 'first-token' },
    'pp_live_0123456789abcdef second-token',
  );
  expect(lines.join('')).not.toMatch(/canary|first-token|second-token|89abcdef/);
});
