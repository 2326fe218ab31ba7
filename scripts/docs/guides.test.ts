import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { editorSchema } from '../../src/config/index.ts';
import { metricsPage } from '../../src/metrics/index.ts';

/** What the guides name is there: metrics, fields of the config, lines of the log. */

const root = join(import.meta.dirname, '../..');
const guides = ['deployment', 'integration', 'performance-tuning', 'security', 'troubleshooting'].map(
  (name) => `${name}.md`,
);
const errorPages = readdirSync(join(root, 'docs/errors')).map((name) => `errors/${name}`);
const textOf = (name: string): string => readFileSync(join(root, 'docs', name), 'utf8');

/** A login of PostgreSQL, and a metric that prometheus-adapter makes. */
const others = ['polymorph_reports', 'polymorph_requests_per_second'];

type Schema = { properties?: Record<string, Schema>; anyOf?: Schema[]; oneOf?: Schema[]; items?: Schema };
const config = editorSchema() as Schema;

/** What may stand below these, in any of their forms. */
function below(schemas: readonly Schema[], name: string): Schema[] {
  const forms = (schema: Schema): Schema[] =>
    [schema, ...(schema.anyOf ?? []).flatMap(forms), ...(schema.oneOf ?? []).flatMap(forms)].flatMap((one) =>
      one.items ? [one, ...forms(one.items)] : [one],
    );
  return schemas.flatMap(forms).flatMap(({ properties }) => properties?.[name] ?? []);
}

describe.each([...guides, ...errorPages])('docs/%s', (name) => {
  const text = textOf(name);

  test('names metrics that there are', () => {
    const known = new Set(metricsPage().match(/\bpolymorph_[a-z_]+/g));
    const named = text.match(/(?<![/-])\bpolymorph_[a-z_]+/g) ?? [];
    const parts = [...known].flatMap((metric) => [`${metric}_bucket`, `${metric}_sum`, `${metric}_count`]);
    expect(named.filter((metric) => ![...known, ...parts, ...others].includes(metric))).toEqual([]);
  });

  test('names fields that the config has', () => {
    const sections = Object.keys(config.properties!);
    const named = [...text.matchAll(/`((?:[a-z_]+\.)+[a-z_]+)(?::[^`]*)?`/g)].map((match) => match[1]!);
    const fields = named.filter((field) => sections.includes(field.split('.')[0]!) && !isOther(field));
    const missing = fields.filter(
      (field) => field.split('.').reduce<Schema[]>((at, part) => below(at, part), [config]).length === 0,
    );
    expect(missing).toEqual([]);
  });
});

/** Names of events, of the methods of operations and of files look alike. */
function isOther(field: string): boolean {
  return (
    /\.(?:db|md|yaml|ts|state|id|js|json)$/.test(field) ||
    /^(?:redis\.(?:down|up)|events\.(?:list|show|replay))$/.test(field)
  );
}

test('docs/troubleshooting.md quotes lines that the program writes', () => {
  const table = textOf('troubleshooting.md').split('\n## Lines of the log\n')[1] ?? '';
  const lines = [...table.matchAll(/^\| (?:warn|error) \| `([^`]+)` \|/gm)].map((match) => match[1]!);
  expect(lines.length).toBeGreaterThan(20);
  const sources = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && /(?<!\.test)\.ts$/.test(entry.name))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
  const source = sources(join(root, 'src')).join('\n');
  for (const line of lines) {
    const parts = line.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    expect(source, line).toMatch(new RegExp(`['\`]${parts.join('\\$\\{[^\\n]+\\}')}['\`]`));
  }
});
