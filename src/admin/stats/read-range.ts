import { runOperation } from '../operation-problem.ts';
import type { AdminPorts } from '../ports.ts';
import { oneOf } from '../query.ts';
import { type Range, type Step, steps } from './range.ts';

export const rangeParameters = ['from', 'to', 'step'] as const;
type Given = Partial<Record<(typeof rangeParameters)[number], string>>;

/** Is it the ledger that is asked, and not the memory? */
export function isRange(given: Given): boolean {
  return rangeParameters.some((name) => given[name] !== undefined);
}

/** Usage of a time, from the ledger. Throws AdminProblem. */
export async function rangeOf(
  ports: Pick<AdminPorts, 'operations'>,
  given: Given,
  by: readonly ('network' | 'method' | 'key')[],
  key?: string,
): Promise<Range> {
  const step = given.step === undefined ? null : oneOf('step', given.step, steps);
  const result = (await runOperation(ports, 'usage.query', {
    ...(given.from === undefined ? {} : { from: given.from }),
    ...(given.to === undefined ? {} : { to: given.to }),
    ...(key === undefined ? {} : { key }),
    by: [...(step === null ? [] : [step]), ...by],
  })) as Omit<Range, 'step'> & { by: Step[] };
  const { from, to, lines, totals } = result;
  return { from, to, step, lines, totals };
}
