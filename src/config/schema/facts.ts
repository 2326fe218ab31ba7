import type { z } from 'zod';

/** A JSON Schema, as far as we say of it. */
export type JsonSchema = Record<string, unknown>;

/** What the reference and the editor schema say of a field beside its description. */
export interface FieldFacts {
  /** The type's name in the reference: `duration`, `text`, `list of networks`. */
  type: string;
  /** What the field means; one line. */
  about: string;
  /** As it would be written; `required` if it must be there; undefined: nothing, or said in `about`. */
  default?: string;
  /** `1s to 1h`; undefined where the type says all. */
  bounds?: string;
  /** Problems show kind and length only. */
  secret?: boolean;
  json(): JsonSchema;
  /** Of a section: its fields. Of a list or map: its items'. */
  fields?: Readonly<Record<string, z.core.$ZodType>>;
  /** Of a map of several kinds: which field says the kind, and the kinds. `fields` are those of all. */
  variants?: { tag: string; kinds: Readonly<Record<string, z.core.$ZodType>> };
}

/** Facts of every field and section, by schema. */
const factsBySchema = new WeakMap<z.core.$ZodType, FieldFacts>();

/** Says what the reference and the editor schema say of `schema`. */
export function describe(schema: z.core.$ZodType, facts: FieldFacts): void {
  factsBySchema.set(schema, facts);
}

/** The facts of a schema made by this folder's builders. */
export function factsOf(schema: z.core.$ZodType): FieldFacts {
  const facts = factsBySchema.get(schema);
  if (!facts) throw new Error('a config field without facts');
  return facts;
}

/** What a field of a section or record is where it is not written. */
export function defaultOf<T, Name extends keyof T & string>(section: z.ZodType<T>, name: Name): T[Name] {
  const { fields = {} } = factsOf(section);
  return (fields[name] as z.ZodType<T[Name]>).parse(undefined);
}

/** A field's JSON Schema with its description. */
export function jsonOf(schema: z.core.$ZodType): JsonSchema {
  const { json, about, bounds, default: fallback } = factsOf(schema);
  const more = [
    bounds && `Bounds: ${bounds}.`,
    fallback && fallback !== 'required' && `Default: ${fallback}.`,
  ];
  return { description: [about, ...more].filter(Boolean).join(' ').replaceAll('`', ''), ...json() };
}
