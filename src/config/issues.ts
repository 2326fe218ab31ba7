import type { z } from 'zod';
import type { Finding } from './finding.ts';
import { maskSecrets } from './mask.ts';
import { nearestName } from './nearest.ts';
import type { Path } from './problem.ts';
import { type FieldFacts, factsOf } from './schema/facts.ts';
import { type Expectation } from './schema/fields.ts';
import { configSections } from './schema/index.ts';

type Issue = z.core.$ZodIssue;
type Fields = Readonly<Record<string, z.core.$ZodType>>;

/** What zod found wrong, in our words. `written` gives a scalar as it stands in the file. */
export function findingsOfIssues(
  issues: readonly Issue[],
  value: unknown,
  written: (path: Path) => string | undefined,
): Finding[] {
  return issues.flatMap((issue) => {
    const path = issue.path as (string | number)[];
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key, value));
    if (issue.code === 'invalid_key') {
      const why = issue.issues[0]?.message ?? 'expected another name';
      return [{ severity: 'error', path, at: 'key', message: `found ${shown(path.at(-1))}, ${why}` }];
    }
    return [describeIssue(issue, path, value, written)];
  });
}

function describeIssue(
  issue: Issue,
  path: Path,
  value: unknown,
  written: (path: Path) => string | undefined,
): Finding {
  const at = valueAt(value, path);
  const params = (issue.code === 'custom' ? (issue.params ?? {}) : {}) as Expectation;
  const error = (message: string, suggestion?: string, place: 'value' | 'key' = 'value'): Finding => ({
    severity: 'error',
    path,
    at: place,
    message,
    suggestion,
  });
  if (at === undefined) {
    const suggestion =
      params.suggestion ?? `expected ${issue.code === 'too_small' ? 'a list' : expectedOf(issue)}`;
    return error(params.message ?? 'is missing', suggestion, 'key');
  }
  if (params.message !== undefined) return error(maskSecrets(params.message), params.suggestion);
  const found = describeFound(at, written(path), params.secret === true);
  return error(`found ${found}, expected ${params.expected ?? expectedOf(issue)}`, hint(params));
}

/** A suggestion may repeat the value: not that of a secret. */
function hint({ suggestion }: Expectation): string | undefined {
  return suggestion === undefined ? undefined : maskSecrets(suggestion);
}

function expectedOf(issue: Issue): string {
  if (issue.code === 'invalid_type') {
    if (issue.expected === 'array') return 'a list';
    if (issue.expected === 'object' || issue.expected === 'record') return 'a map';
    return `a ${issue.expected}`;
  }
  if (issue.code === 'too_small')
    return `at least ${issue.minimum} ${issue.minimum === 1 ? 'entry' : 'entries'}`;
  if (issue.code === 'too_big') return `at most ${issue.maximum} entries`;
  return issue.message;
}

function describeFound(value: unknown, written: string | undefined, secret: boolean): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map';
  const size =
    typeof value === 'string'
      ? `text of ${value.length} character${value.length === 1 ? '' : 's'}`
      : `a ${typeof value}`;
  // What the environment holds may be a secret in the wrong place.
  if (written?.includes('${')) return `${/\$\{[A-Za-z_][A-Za-z0-9_]*/.exec(written)?.[0] ?? '${'}} (${size})`;
  if (secret) return size;
  return shown(value);
}

function shown(value: unknown): string {
  const masked = maskSecrets(String(value));
  const cut = masked.length > 60 ? `${masked.slice(0, 57)}…` : masked;
  return typeof value === 'string' ? JSON.stringify(cut) : cut;
}

function unknownKey(path: Path, key: string, value: unknown): Finding {
  const fields = fieldsAt(path, value);
  const near = nearestName(key, Object.keys(fields));
  const elsewhere = sectionsWith(key).filter((section) => section !== path.join('.'));
  const suggestion = near
    ? `did you mean ${near}?`
    : elsewhere.length > 0
      ? `it belongs to ${elsewhere[0]}`
      : `known here: ${Object.keys(fields).join(', ')}`;
  return {
    severity: 'error',
    path: [...path, key],
    at: 'key',
    message: `unknown key ${shown(key)}`,
    suggestion,
  };
}

/** Names known at a place; of a map with names of the operator's, those of its entries; of one of several kinds, those of its kind. */
function fieldsAt(path: Path, value: unknown): Fields {
  let fields: Fields = configSections;
  let variants: FieldFacts['variants'];
  for (const [index, segment] of path.entries()) {
    const schema =
      typeof segment === 'string' && Object.hasOwn(fields, segment) ? fields[segment] : undefined;
    if (schema) ({ fields = {}, variants } = factsOf(schema));
    else if (variants) {
      const kind = valueAt(value, [...path.slice(0, index + 1), variants.tag]);
      if (typeof kind === 'string' && Object.hasOwn(variants.kinds, kind))
        fields = factsOf(variants.kinds[kind]!).fields ?? fields;
    }
  }
  return fields;
}

function sectionsWith(key: string): string[] {
  return Object.entries(configSections)
    .filter(
      ([, schema]) => factsOf(schema).type === 'section' && Object.hasOwn(factsOf(schema).fields ?? {}, key),
    )
    .map(([name]) => name);
}

/** The path as the file has it: one thing where a list may be is no entry 0. */
export function writtenPath(path: Path, value: unknown): Path {
  return path.filter(
    (segment, index) => segment !== 0 || Array.isArray(valueAt(value, path.slice(0, index))),
  );
}

/** One thing where a list may be counts as its entry 0. */
function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const segment of path) {
    if (segment === 0 && !Array.isArray(at)) continue;
    if (typeof at !== 'object' || at === null) return undefined;
    at = Object.hasOwn(at, segment) ? (at as Record<string | number, unknown>)[segment] : undefined;
  }
  return at;
}
