import { describe, expect, it } from 'vitest';
import { type ExpansionProblem, expandEnvironment } from './environment.ts';

const env = { A: 'one', EMPTY: '', TRICK: '${A}', ACME_KEY: 'k' };

function expand(text: string): string | ExpansionProblem[] {
  const problems: ExpansionProblem[] = [];
  const result = expandEnvironment(text, env, (problem) => problems.push(problem));
  return problems.length > 0 ? problems : result;
}

describe('expandEnvironment', () => {
  it.each([
    ['${A}', 'one'],
    ['x${A}y${A}', 'xoneyone'],
    ['${EMPTY}', ''],
    ['${EMPTY:-d}', 'd'],
    ['${UNSET:-}', ''],
    ['${UNSET:-a:-b}', 'a:-b'],
    ['${A:-d}', 'one'],
    ['${TRICK}', '${A}'],
    ['$${A}', '${A}'],
    ['$A $$ {A}', '$A $$ {A}'],
  ])('%s becomes %s', (text, expanded) => {
    expect(expand(text)).toBe(expanded);
  });

  it('says where a variable is missing, and which was probably meant', () => {
    expect(expand('ab${ACME_KYE}')).toEqual([
      {
        at: 2,
        length: 11,
        message: 'environment variable ACME_KYE is not set',
        suggestion: 'did you mean ACME_KEY?',
      },
    ]);
  });

  it.each(['${}', '${1A}', '${A-b}', '${A:b}', '${ A }', '${A', '${A:-${B}}', '${toString}', '${__proto__}'])(
    'refuses %s',
    (text) => {
      expect(expand(text)).toHaveLength(1);
    },
  );
});
