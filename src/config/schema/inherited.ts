import { z } from 'zod';
import { describe, factsOf } from './facts.ts';
import { anything, resultOf } from './fields.ts';

type Shape = Record<string, z.core.$ZodType>;

/** A setting that may be left open: undefined, or a section with undefined fields. */
type Open<T> = T extends readonly unknown[]
  ? T | undefined
  : T extends object
    ? { [K in keyof T]?: T[K] | undefined }
    : T | undefined;

export type Inherited<S extends Shape> = { [K in keyof S]: z.ZodType<Open<z.output<S[K]>>> };

/** The same fields without their defaults: what is not written is undefined, and that of the whole file holds. */
export function inherited<S extends Shape>(shape: S): Inherited<S> {
  return Object.fromEntries(
    Object.entries(shape).map(([name, schema]) => [
      name,
      isSection(schema) ? openSection(name, schema) : openField(name, schema),
    ]),
  ) as unknown as Inherited<S>;
}

/** One that is off where it is not there is a field with a value of its own. */
function isSection(schema: z.core.$ZodType): boolean {
  const { type, default: fallback } = factsOf(schema);
  return type === 'section' && fallback === undefined;
}

function openSection(name: string, schema: z.core.$ZodType): z.ZodType {
  const facts = factsOf(schema);
  const fields = inherited(facts.fields ?? {});
  const open = anything.transform((value) => value ?? {}).pipe(z.strictObject(fields));
  describe(open, { ...facts, about: `\`${name}\` of this network: what is not written is as at the top.` });
  return open;
}

function openField(name: string, schema: z.core.$ZodType): z.ZodType {
  const inner = schema as z.ZodType;
  const open = anything.transform((value, context): unknown => {
    if (value === undefined) return undefined;
    return resultOf(inner.safeParse(value), value, context);
  });
  describe(open, { ...factsOf(schema), default: `as ${name} at the top` });
  return open;
}

/** `inner` over `outer`, field by field, one section deep. */
export function inheritSettings<T extends object>(outer: T, inner: { [K in keyof T]?: Open<T[K]> }): T {
  const merged = { ...outer } as Record<string, unknown>;
  for (const [name, value] of Object.entries(inner)) {
    if (value === undefined || !Object.hasOwn(outer, name)) continue;
    const base = merged[name];
    merged[name] = isMap(base) && isMap(value) ? { ...base, ...written(value) } : value;
  }
  return merged as T;
}

function written(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
