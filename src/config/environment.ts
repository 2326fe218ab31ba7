import { nearestName } from './nearest.ts';

/** The environment values are taken from. Passed in: nothing here reads `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What is wrong with a `${…}`, and where in the text it stands. */
export interface ExpansionProblem {
  at: number;
  length: number;
  message: string;
  suggestion?: string;
}

const reference = /\$\$\{|\$\{([^}]*)(\}?)/g;
const form = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([^]*))?$/;

/**
 * Puts `${NAME}` and `${NAME:-default}` in place: the default holds where the variable is unset or empty. `$${` is a
 * literal `${`. What a variable holds is text and is not looked into again. Problems go to `report`.
 */
export function expandEnvironment(
  text: string,
  env: Environment,
  report: (problem: ExpansionProblem) => void,
): string {
  return text.replace(reference, (all: string, inside: string | undefined, close: string, at: number) => {
    if (inside === undefined) return '${';
    const problem = (message: string, suggestion?: string): string => {
      report({ at, length: all.length, message, suggestion });
      return '';
    };
    if (close === '') return problem('`${` without its `}`; a literal `${` is written `$${`');
    const match = form.exec(inside);
    if (!match) return problem(`\`\${${inside}}\` is not of the form \${NAME} or \${NAME:-default}`);
    const [, name = '', fallback] = match;
    if (fallback?.includes('${')) return problem('a default inside `${…}` cannot hold another `${`');
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (fallback !== undefined) return value || fallback;
    if (value !== undefined) return value;
    const near = nearestName(name, Object.keys(env));
    return problem(
      `environment variable ${name} is not set`,
      near === undefined ? `set it, or give a default: \${${name}:-…}` : `did you mean ${near}?`,
    );
  });
}
