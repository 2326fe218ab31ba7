import { z } from 'zod';
import { describe, type FieldFacts, factsOf, type JsonSchema, jsonOf } from './facts.ts';
import { anything, resultOf } from './fields.ts';

type Shape = Record<string, z.core.$ZodType>;
type Parsed<S extends Shape> = { [K in keyof S]: z.output<S[K]> };

/** JSON Schema of a map of known names. */
function jsonOfShape(shape: Shape): JsonSchema {
  const required = Object.keys(shape).filter((name) => factsOf(shape[name]!).default === 'required');
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(Object.entries(shape).map(([name, schema]) => [name, jsonOf(schema)])),
    ...(required.length > 0 ? { required } : {}),
  };
}

/** A section: a map of known names. Absent or empty is the same as all defaults. */
export function section<S extends Shape>(about: string, shape: S): z.ZodType<Parsed<S>> {
  const schema = anything.transform((value) => value ?? {}).pipe(z.strictObject(shape));
  describe(schema, {
    type: 'section',
    about,
    fields: shape,
    json: () => ({ ...jsonOfShape(shape), type: ['object', 'null'] }),
  });
  return schema as unknown as z.ZodType<Parsed<S>>;
}

/** An item of a list or map: a map of known names that must be there. */
export function record<S extends Shape>(about: string, shape: S): z.ZodType<Parsed<S>> {
  const schema = z.strictObject(shape);
  describe(schema, { type: 'map', about, fields: shape, json: () => jsonOfShape(shape) });
  return schema as unknown as z.ZodType<Parsed<S>>;
}

/** A section that is off (null) unless it is there; `false` and `none` are off, too. */
export function optionalRecord<S extends Shape>(about: string, shape: S): z.ZodType<Parsed<S> | null> {
  const inner = z.strictObject(shape);
  return delegated<Parsed<S>, null>(inner as unknown as z.ZodType<Parsed<S>>, {
    facts: {
      type: 'section',
      about,
      default: 'none',
      fields: shape,
      json: () => ({ anyOf: [jsonOfShape(shape), { enum: [null, false, 'none'] }] }),
    },
    ready: (value) =>
      value === undefined || value === null || value === false || value === 'none' ? null : undefined,
  });
}

/** A list; absent or empty is no entries, or `fallback`. */
export function list<T>(
  item: z.ZodType<T>,
  spec: { about: string; type: string; default?: readonly string[]; max?: number; min?: number },
): z.ZodType<T[]> {
  const { max = 100_000, min = 0, default: fallback = [] } = spec;
  const schema = anything.transform((value) => value ?? fallback).pipe(z.array(item).min(min).max(max));
  describe(schema, {
    type: spec.type,
    about: spec.about,
    default: min > 0 ? 'required' : `[${fallback.join(', ')}]`,
    bounds: spec.max === undefined && min === 0 ? undefined : `${min} to ${max} entries`,
    fields: factsOf(item).fields,
    variants: factsOf(item).variants,
    json: () => ({ type: min > 0 ? 'array' : ['array', 'null'], items: jsonOf(item) }),
  });
  return schema;
}

/** A map with names of the operator's choosing; absent or empty is no entries. */
export function namedMap<T>(
  name: z.ZodType<string>,
  value: z.ZodType<T>,
  spec: { about: string; type: string; default?: string },
): z.ZodType<Record<string, T>> {
  const schema = anything
    .transform((input) => input ?? {})
    .pipe(z.record(name as unknown as z.core.$ZodType<string, string>, value));
  describe(schema, {
    type: spec.type,
    about: spec.about,
    default: spec.default ?? '{}',
    fields: factsOf(value).fields,
    json: () => ({ type: ['object', 'null'], additionalProperties: jsonOf(value) }),
  });
  return schema;
}

/**
 * A field that another schema parses, unless `ready` knows the result at once (anything but undefined). `input` makes of
 * what the file says what `inner` takes.
 */
export function delegated<T, R>(
  inner: z.ZodType<T>,
  spec: { facts: FieldFacts; ready(value: unknown): R | undefined; input?(value: unknown): unknown },
): z.ZodType<T | R> {
  const schema = anything.transform((value, context): T | R => {
    const known = spec.ready(value);
    if (known !== undefined) return known;
    return resultOf(inner.safeParse(spec.input ? spec.input(value) : value), value, context);
  });
  describe(schema, spec.facts);
  return schema;
}

/** A field that is null where it is not written; `fallback`: what the reference says holds then. */
export function orNull<T>(inner: z.ZodType<T>, fallback: string): z.ZodType<T | null> {
  return delegated(inner, {
    facts: { ...factsOf(inner), default: fallback },
    ready: (value) => (value === undefined ? null : undefined),
  });
}

/** Names the operator gives: in messages, headers and labels, so of a plain kind. */
export function nameOf(what: string): z.ZodType<string> {
  return z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
    error: `expected a name of ${what}: letters, digits, \`.\`, \`_\`, \`-\`, at most 64, a letter or digit first`,
  });
}

/** Printable ASCII but `"` and `\\`: a pattern's name stands in headers. */
export const methodPatternForm = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;
export const methodPatternExpected =
  'a method name or a glob such as eth_get*: at most 256 characters, no spaces';

/** A method's name or glob, as a key. */
export const methodKey: z.ZodType<string> = z
  .string()
  .regex(methodPatternForm, { error: `expected ${methodPatternExpected}` });
