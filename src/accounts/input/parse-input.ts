import type { z } from 'zod';
import { nearestName } from '../../config/index.ts';
import { AccountsError } from '../error.ts';

/** The input as the schema gives it. Throws AccountsError `invalid` with one line for each thing that is wrong. */
export function parseInput<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => line(issue, schema, input));
  throw new AccountsError('invalid', lines.join('\n'));
}

function line(issue: z.core.$ZodIssue, schema: z.ZodType, input: unknown): string {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknownField(key, issue, schema)).join('\n');
  const where = issue.path.length === 0 ? 'the input' : issue.path.join('.');
  return `${where}: ${found(issue.path, input)}, ${expectation(issue)}`;
}

function unknownField(key: string, issue: z.core.$ZodIssue, schema: z.ZodType): string {
  const where = [...issue.path, key].join('.');
  const names = issue.path.length === 0 && 'shape' in schema ? Object.keys(schema.shape as object) : [];
  const near = nearestName(key, names);
  return `${where}: there is no such field${near === undefined ? '' : ` (did you mean ${near}?)`}`;
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_value':
      return `expected ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `the least is ${issue.minimum}${issue.origin === 'string' ? ' characters' : ''}`;
    case 'too_big':
      return `the most is ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}`;
    default:
      return issue.message.replace(/^Invalid input: /, '');
  }
}

function found(path: readonly PropertyKey[], input: unknown): string {
  const value = path.reduce<unknown>(
    (inner, name) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, name)
        ? (inner as Record<PropertyKey, unknown>)[name]
        : undefined,
    input,
  );
  if (value === undefined) return 'nothing was given';
  const text = JSON.stringify(value);
  return `found ${text.length > 80 ? `${text.slice(0, 79)}…` : text}`;
}
