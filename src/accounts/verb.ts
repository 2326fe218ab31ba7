import type { z } from 'zod';
import type { AccountsContext } from './context.ts';
import { parseInput } from './input/parse-input.ts';

/** Something that can be asked for: parses its input, does it, gives plain data that JSON can hold. Rejects with AccountsError or StoreError. */
export type Verb<Input, Result> = (context: AccountsContext, input: Input) => Promise<Result>;

/** A verb from its schema and what it does with an input that has passed it. */
export function verb<Schema extends z.ZodType, Result>(
  schema: Schema,
  run: (context: AccountsContext, input: z.output<Schema>) => Promise<Result>,
): Verb<z.input<Schema>, Result> {
  return async (context, input) => run(context, parseInput(schema, input));
}
