import { AdminProblem } from './problem.ts';

/** The parameters of a query, each once and of those that there are. Throws bad_request. */
export function readQuery<Name extends string>(
  query: URLSearchParams,
  names: readonly Name[],
  /** What they are called in problems. */
  what = 'parameter',
): Partial<Record<Name, string>> {
  const given: Partial<Record<Name, string>> = {};
  for (const [name, value] of query) {
    const known = names.find((each) => each === name);
    if (known === undefined)
      throw new AdminProblem(
        'bad_request',
        `there is no ${what} ${name.slice(0, 40)}: use ${names.join(', ')}`,
      );
    if (given[known] !== undefined) throw new AdminProblem('bad_request', `${known} is there twice`);
    given[known] = value;
  }
  return given;
}

/** The value, if it is one of those that there are. Throws bad_request. */
export function oneOf<Value extends string>(name: string, value: string, values: readonly Value[]): Value {
  const known = values.find((each) => each === value);
  if (known === undefined)
    throw new AdminProblem(
      'bad_request',
      `${name}: found ${JSON.stringify(value.slice(0, 40))}, expected ${values.join(', ')}`,
    );
  return known;
}
