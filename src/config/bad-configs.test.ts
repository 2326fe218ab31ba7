import { describe, expect, it } from 'vitest';
import { formatProblem, parseConfig, renderProblem } from './index.ts';
import { badConfigEnvironment, badConfigs } from './testing/bad-configs.ts';

const options = { env: badConfigEnvironment, file: 'bad.yaml', directory: '/nowhere' };

describe('bad configs', () => {
  it.each(badConfigs)('$name', ({ yaml, problems }) => {
    const result = parseConfig(`${yaml.join('\n')}\n`, options);
    expect(result.ok).toBe(false);
    if (result.ok) return;
    expect(result.problems.map(formatProblem)).toEqual(problems.map((problem) => `bad.yaml:${problem}`));
  });

  it('are at least fifty', () => {
    expect(badConfigs.length).toBeGreaterThanOrEqual(50);
  });

  it('keep secrets out of messages and caret lines', () => {
    const secrets = [
      'hunter2',
      'tooshortSecret',
      'sesame',
      'abcdefghij_abcdefghij_01',
      'abcdefghijklmnopqrstuv/xyz',
    ];
    for (const { yaml } of badConfigs) {
      const text = `${yaml.join('\n')}\n`;
      const result = parseConfig(text, options);
      if (result.ok) continue;
      const printed = result.problems.map((problem) => renderProblem(problem, text)).join('\n');
      for (const secret of secrets) expect(printed).not.toContain(secret);
    }
  });
});
