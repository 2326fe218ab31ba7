import { isAbsolute, join } from 'node:path';
import { type Config, type LoadResult, loadConfig, type Problem, renderProblem } from '../config/index.ts';
import type { CommandIo } from './io.ts';

/** Problems printed before the rest is counted. */
const PROBLEMS_SHOWN_MAX = 50;

/**
 * Loads a config and prints what is wrong with it to standard error; undefined if it cannot be used. `warnings: false`: of one that
 * can be used, nothing. `withoutVariables`: what to do where it needs variables that are not set here.
 */
export function loadForCommand(
  file: string,
  io: CommandIo,
  { warnings = true, withoutVariables = '' } = {},
): Config | undefined {
  const result = loadNamed(file, io);
  if (!result.ok) {
    printProblems(result.problems, result.text, io);
    const unset = ({ message }: Problem): boolean => /^environment variable \w+ is not set/.test(message);
    if (withoutVariables !== '' && result.problems.some(unset)) io.stderr(`${withoutVariables}\n`);
  } else if (warnings) printProblems(result.warnings(), result.text, io);
  return result.ok ? result.config : undefined;
}

/** Messages name the file as the user did, wherever it is. */
function loadNamed(file: string, io: CommandIo): LoadResult {
  const path = isAbsolute(file) ? file : join(io.cwd, file);
  const renamed = (problem: Problem): Problem => ({ ...problem, file });
  const result = loadConfig(path, { env: io.env });
  if (!result.ok) return { ...result, problems: result.problems.map(renamed) };
  return { ...result, warnings: () => result.warnings().map(renamed) };
}

function printProblems(problems: readonly Problem[], text: string, io: CommandIo): void {
  for (const problem of problems.slice(0, PROBLEMS_SHOWN_MAX)) io.stderr(`${renderProblem(problem, text)}\n`);
  if (problems.length > PROBLEMS_SHOWN_MAX) io.stderr(`… and ${problems.length - PROBLEMS_SHOWN_MAX} more\n`);
  if (problems.length === 0) return;
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const count = (amount: number, what: string): string => `${amount} ${what}${amount === 1 ? '' : 's'}`;
  io.stderr(`${count(errors, 'error')}, ${count(problems.length - errors, 'warning')}\n`);
}
