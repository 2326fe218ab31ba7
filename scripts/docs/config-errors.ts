import { editorSchema, parseConfig, type Problem, renderProblem } from '../../src/config/index.ts';
import { badConfigEnvironment, badConfigs } from '../../src/config/testing/bad-configs.ts';

/** What stands before the cases. */
const head = `<!-- Written by npm run docs from src/config/testing/bad-configs.ts. Change it there. -->

# Errors of the config

What \`polymorph check\`, a start (exit code 2) and a reload say of a file that cannot be used. A reload with such a file changes nothing: the
old config goes on, the log says \`config not reloaded\`, and \`/readyz\` is \`degraded\` until the file is good.

A problem is told as \`FILE:LINE:COLUMN: error: PATH: what was found, what was expected (how it is probably put right)\`, then the line with a mark
under the place. What may be a secret is starred out, or given as its length. With \`warning\` in place of \`error\` the config is taken all the same.

Below is an example of each, by the section that it is about, as the tests have them.
`;

const fence = '```';

/** docs/errors/config.md: each bad config of the tests with what is said of it, as a terminal shows it. */
export function configErrorsPage(): string {
  const bySection = new Map<string, string[]>();
  for (const { name, yaml } of badConfigs) {
    const text = `${yaml.join('\n')}\n`;
    const problems = problemsOf(name, text);
    const shown = problems
      .map((problem) => renderProblem(problem, text))
      .join('\n')
      .replaceAll(/ +$/gm, '');
    const section = sectionOf(problems[0]!);
    const cases = bySection.get(section) ?? [];
    bySection.set(section, [...cases, `### ${titleOf(name)}\n\n${fence}text\n${shown}\n${fence}\n`]);
  }
  const sections = [...bySection].toSorted(([a], [b]) => order(a) - order(b) || (a < b ? -1 : 1));
  return [head, ...sections.flatMap(([section, cases]) => [`## ${section}\n`, ...cases])].join('\n');
}

function problemsOf(name: string, text: string): Problem[] {
  const place = { file: 'polymorph.yaml', directory: '/etc/polymorph' };
  const result = parseConfig(text, { env: badConfigEnvironment, ...place });
  if (result.ok) throw new Error(`${name}: is no bad config`);
  return result.problems;
}

const whole = 'The file as a whole';
const known = new Set(Object.keys((editorSchema() as { properties: object }).properties));

function sectionOf({ path }: Problem): string {
  const [first = ''] = path.split(/[.[]/);
  return known.has(first) ? `\`${first}\`` : whole;
}

function order(section: string): number {
  return section === whole ? 0 : 1;
}

/** As a heading: `__proto__` is no bold word there. */
function titleOf(name: string): string {
  return (name.charAt(0).toUpperCase() + name.slice(1)).replaceAll(/[_*]/g, '\\$&');
}
