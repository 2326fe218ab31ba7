import { runOperation } from '../operation-problem.ts';
import type { AdminPorts } from '../ports.ts';
import { oneOf } from '../query.ts';
import { AdminProblem } from '../problem.ts';
import { type Scope, scopes } from './live.ts';
import { type Range, type Step, steps } from './range.ts';

export const rangeParameters = ['from', 'to', 'step'] as const;
type Given = Partial<Record<(typeof rangeParameters)[number], string>>;

/** Is it the ledger that is asked, and not the memory? */
export function isRange(given: Given): boolean {
  return rangeParameters.some((name) => given[name] !== undefined);
}

/** Whose live figures are asked for; undefined: as the gateway has it. Throws AdminProblem. */
export function scopeOf(given: string | undefined): Scope | undefined {
  return given === undefined ? undefined : oneOf('scope', given, scopes);
}

/** Usage of a time, from the ledger. Throws AdminProblem. */
export async function rangeOf(
  ports: Pick<AdminPorts, 'operations' | 'stats'>,
  given: Given & { scope?: string },
  by: readonly ('network' | 'method' | 'key')[],
  key?: string,
): Promise<Range> {
  const scope = ports.stats.ledgerScope;
  if (scopeOf(given.scope) === 'instance' && scope === 'cluster')
    throw new AdminProblem(
      'bad_request',
      'scope: the ledger is of all instances that share the store: leave scope out, or from, to and step',
    );
  const step = given.step === undefined ? null : oneOf('step', given.step, steps);
  const result = (await runOperation(ports, 'usage.query', {
    ...(given.from === undefined ? {} : { from: given.from }),
    ...(given.to === undefined ? {} : { to: given.to }),
    ...(key === undefined ? {} : { key }),
    by: [...(step === null ? [] : [step]), ...by],
  })) as Omit<Range, 'step' | 'scope'> & { by: Step[] };
  const { from, to, lines, totals } = result;
  return { scope, from, to, step, lines, totals };
}
