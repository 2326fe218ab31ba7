import type { z } from 'zod';
import { describe, factsOf, jsonOf } from './facts.ts';
import { type Expectation, anything, listed, resultOf } from './fields.ts';
import { nearestName } from '../nearest.ts';

/**
 * A map whose field `tag` says which of several kinds it is, each with fields of its own. Every kind has `tag` as a field
 * that takes the kind's name.
 */
export function variants<K extends Record<string, z.ZodType>>(
  tag: string,
  kinds: K,
  about: string,
): z.ZodType<z.output<K[keyof K]>> {
  type Out = z.output<K[keyof K]>;
  const names = Object.keys(kinds);
  const unknownKind = anything.transform((value, context): Out => {
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
    const written = isMap ? (value as Record<string, unknown>)[tag] : undefined;
    const near = typeof written === 'string' ? nearestName(written, names) : undefined;
    const params: Expectation = isMap
      ? written === undefined
        ? { message: 'is missing', suggestion: `expected ${listed(names)}` }
        : { expected: listed(names), suggestion: near && `did you mean ${near}?` }
      : { expected: 'a map' };
    const path = isMap ? [tag] : [];
    context.issues.push({ code: 'custom', input: value, message: 'invalid', params, path } as never);
    return undefined as Out;
  });
  const kindOf = (value: unknown): z.ZodType<Out> => {
    const isMap = typeof value === 'object' && value !== null;
    const written = isMap ? (value as Record<string, unknown>)[tag] : undefined;
    const known = typeof written === 'string' && Object.hasOwn(kinds, written) ? kinds[written] : unknownKind;
    return known as z.ZodType<Out>;
  };
  const all = Object.assign({}, ...Object.values(kinds).map((kind) => factsOf(kind).fields));
  const schema = anything.transform(
    (value, context): Out => resultOf(kindOf(value).safeParse(value), value, context),
  );
  describe(schema, {
    type: 'map',
    about,
    fields: all,
    variants: { tag, kinds },
    json: () => ({ anyOf: names.map((name) => jsonOf(kinds[name]!)) }),
  });
  return schema;
}
