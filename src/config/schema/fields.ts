import { z } from 'zod';
import { formatDuration, formatSize, parseDuration, parseSize, unitHint } from '../quantity.ts';
import { describe, type FieldFacts, type JsonSchema } from './facts.ts';

/** What may be absent: the transform that follows is asked in any case, and fills the default in. */
export const anything = z.unknown().optional();

/** What another schema made of the input, as the result of the one whose transform this is; what it found wrong is told. */
export function resultOf<T>(
  result: z.ZodSafeParseResult<T>,
  input: unknown,
  { issues }: Pick<z.core.ParsePayload, 'issues'>,
): T {
  if (result.success) return result.data;
  for (const issue of result.error.issues) issues.push({ ...issue, input } as never);
  return z.NEVER;
}

/** What a custom issue carries, for the message: what would have been right. */
export interface Expectation {
  expected?: string;
  /** Instead of «found …, expected …». */
  message?: string;
  suggestion?: string;
  secret?: boolean;
}

/** Says what is wrong with a field; the return value takes the parser's place and is not used. */
export type Fail = (expectation: Expectation) => never;

type Spec = Omit<FieldFacts, 'default' | 'json'> & {
  json: JsonSchema;
  /** For «is missing». Default: the type. */
  expected?: string;
};

/** A value in a `${…}` is not known to the editor: any field may be one. */
export const fromEnvironment: JsonSchema = { type: 'string', pattern: '\\$\\{' };

/**
 * One scalar field. `parse` is given what the file says, never undefined, and returns the value or fails.
 * `fallback` undefined: the field is required.
 */
export function field<T>(
  spec: Spec,
  fallback: { written: string; value: T } | undefined,
  parse: (value: unknown, fail: Fail) => T,
): z.ZodType<T> {
  const schema = anything.transform((value, context): T => {
    if (value === undefined && fallback) return fallback.value;
    const fail = ((expectation: Expectation) => {
      context.issues.push({
        code: 'custom',
        input: value,
        message: 'invalid',
        params: { ...expectation, secret: spec.secret },
      });
      return z.NEVER;
    }) as Fail;
    if (value === undefined)
      return fail({ message: 'is missing', suggestion: `expected ${spec.expected ?? spec.type}` });
    return parse(value, fail);
  });
  const { json, expected: _, ...facts } = spec;
  describe(schema, {
    ...facts,
    default: fallback ? fallback.written : 'required',
    json: () => (json.type === 'string' && !json.pattern ? json : { anyOf: [json, fromEnvironment] }),
  });
  return schema;
}

interface Bounds {
  min: string;
  max: string;
  default?: string;
  about: string;
}

/** Milliseconds. Bounds and default as written. */
export function duration(spec: Bounds): z.ZodType<number> {
  return quantity('duration', spec, parseDuration, formatDuration, '^(0|\\d+(\\.\\d+)? ?(ms|s|m|h|d))$');
}

/** Bytes. Bounds and default as written; in the file also a plain number of bytes. */
export function size(spec: Bounds): z.ZodType<number> {
  return quantity('size', spec, parseSize, formatSize, '^\\d+(\\.\\d+)? ?(B|kB|KiB|MB|MiB|GB|GiB)$');
}

function quantity(
  kind: 'duration' | 'size',
  spec: Bounds,
  parse: (text: string) => number | undefined,
  format: (value: number) => string,
  pattern: string,
): z.ZodType<number> {
  const [min, max] = [parse(spec.min) ?? Number.NaN, parse(spec.max) ?? Number.NaN];
  const bounds = `${spec.min} to ${spec.max}`;
  const expected = `a ${kind} from ${bounds}`;
  const fallback =
    spec.default === undefined
      ? undefined
      : { written: spec.default, value: parse(spec.default) ?? Number.NaN };
  const text: JsonSchema = { type: 'string', pattern };
  const json = kind === 'size' ? { anyOf: [text, { type: 'integer', minimum: min, maximum: max }] } : text;
  return field({ type: kind, about: spec.about, bounds, json, expected }, fallback, (value, fail) => {
    if (typeof value === 'number') {
      if (value === 0 || kind === 'size') {
        if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
        return fail({ expected });
      }
      return fail({ expected, suggestion: unitHint(String(value), kind) });
    }
    if (typeof value !== 'string') return fail({ expected });
    const parsed = kind === 'size' && /^\d{1,15}$/.test(value) ? Number(value) : parse(value);
    if (parsed === undefined) return fail({ expected, suggestion: unitHint(value, kind) });
    if (parsed >= min && parsed <= max) return parsed;
    return fail({
      expected,
      suggestion: `the ${parsed < min ? 'least' : 'most'} is ${format(parsed < min ? min : max)}`,
    });
  });
}

interface IntegerSpec {
  min: number;
  max: number;
  default?: number;
  about: string;
  /** `requests`, `tokens` … shown after the type. */
  unit?: string;
}

export function integer(spec: IntegerSpec): z.ZodType<number> {
  const bounds = `${spec.min} to ${spec.max}`;
  const fallback =
    spec.default === undefined ? undefined : { written: String(spec.default), value: spec.default };
  return field(
    {
      type: spec.unit ? `integer (${spec.unit})` : 'integer',
      about: spec.about,
      bounds,
      json: { type: 'integer', minimum: spec.min, maximum: spec.max },
      expected: `a whole number from ${bounds}`,
    },
    fallback,
    (value, fail) => {
      const number = asNumber(value);
      if (Number.isSafeInteger(number) && number >= spec.min && number <= spec.max) return number;
      return fail({ expected: `a whole number from ${bounds}` });
    },
  );
}

/** A number as YAML's or, through the environment or in quotes, as text; else NaN. */
export function asNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^-?\d{1,15}(\.\d{1,15})?$/.test(value) ? Number(value) : Number.NaN;
}

export function choice<const T extends string>(spec: {
  values: readonly T[];
  default?: T;
  about: string;
}): z.ZodType<T> {
  const fallback = spec.default === undefined ? undefined : { written: spec.default, value: spec.default };
  return field(
    {
      type: spec.values.map((v) => `\`${v}\``).join(', '),
      about: spec.about,
      json: { enum: spec.values },
      expected: listed(spec.values),
    },
    fallback,
    (value, fail) => {
      const found = spec.values.find((one) => one === value);
      return found ?? fail({ expected: listed(spec.values), suggestion: nearestHint(value, spec.values) });
    },
  );
}

export function flag(spec: { default: boolean; about: string }): z.ZodType<boolean> {
  return field(
    { type: '`true`, `false`', about: spec.about, json: { type: 'boolean' } },
    { written: String(spec.default), value: spec.default },
    (value, fail) => {
      if (value === true || value === 'true') return true;
      if (value === false || value === 'false') return false;
      return fail({ expected: 'true or false' });
    },
  );
}

export interface TextSpec<T> {
  type: string;
  about: string;
  /** «a name of …»: what a problem says was expected. */
  expected: string;
  /** JSON Schema pattern, where there is one. */
  pattern?: string;
  bounds?: string;
  secret?: boolean;
  default?: { written: string; value: T };
  /** A hint for a number where text is due. Default: `put it in quotes`. */
  numberHint?(written: string): string | undefined;
  /** The value, or undefined or `wrong(…)` if the text is none. */
  parse(text: string): T | Wrong | undefined;
}

export function text<T>(spec: TextSpec<T>): z.ZodType<T> {
  const json: JsonSchema = spec.pattern ? { type: 'string', pattern: spec.pattern } : { type: 'string' };
  const { type, about, bounds, secret, expected } = spec;
  return field({ type, about, bounds, secret, json, expected }, spec.default, (value, fail) => {
    if (typeof value === 'number' || typeof value === 'boolean') {
      const suggestion = spec.numberHint ? spec.numberHint(String(value)) : 'put it in quotes';
      return fail({ expected, suggestion });
    }
    if (typeof value !== 'string') return fail({ expected });
    const parsed = spec.parse(value);
    if (parsed === undefined) return fail({ expected });
    if (!(parsed instanceof Wrong)) return parsed;
    const { expectation } = parsed;
    return fail(expectation.message === undefined ? { expected, ...expectation } : expectation);
  });
}

/** What is wrong with a text, in a `TextSpec`'s parse. */
export function wrong(expectation: Expectation): Wrong {
  return new Wrong(expectation);
}

class Wrong {
  readonly expectation: Expectation;

  constructor(expectation: Expectation) {
    this.expectation = expectation;
  }
}

/** `a`, `b` or `c`. */
export function listed(values: readonly string[]): string {
  if (values.length < 2) return values.join('');
  return `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}

function nearestHint(value: unknown, values: readonly string[]): string | undefined {
  const folded = String(value).toLowerCase();
  const near = values.find((one) => one.startsWith(folded.slice(0, 3)));
  return near && folded.length > 2 ? `did you mean ${near}?` : undefined;
}
