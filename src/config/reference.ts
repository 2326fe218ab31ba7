import { configSections } from './schema/index.ts';
import { factsOf, type FieldFacts } from './schema/facts.ts';

const intro = `# Configuration

<!-- Generated from the schema in src/config/schema by scripts/generate-docs.ts: change it there. -->

One YAML file. Every section is optional but \`upstreams\` or \`networks\`; \`upstreams\` alone is the one network \`default\` at \`/\`.
\`polymorph check FILE\` says what is wrong with a file, by line and column; \`polymorph plan OLD NEW\` what a change means;
\`polymorph schema\` prints the JSON Schema for editors. The [examples](../examples) show every feature.

**Values.** A *duration* is a number with a unit: \`250ms\`, \`10s\`, \`1m\`, \`24h\`. A *size* is a number of bytes or one with a unit:
\`64KiB\` and \`1MiB\` count in 1024s, \`64kB\` and \`1MB\` in 1000s. A *share* is \`0.01\` or \`1%\`. A *pattern* is a method's name, with \`*\`
for any characters; of several that fit, the one with the most other characters wins, then the first.

**Environment.** \`\${NAME}\` in a value is taken from the environment, \`\${NAME:-default}\` where it is unset or empty; a variable that
is missing is an error. \`$\${\` is a literal \`\${\`. Inside \`{ }\` and \`[ ]\` put quotes around it. Numbers and durations work, too.

**Changes.** The file is watched. A good change is taken over in about 100 ms, in a second or more where ten thousands of
keys have limits of their own, and drops no call; a bad file leaves the old one in place.
What is marked so needs a restart.
`;

/** docs/configuration.md: a table for each section. */
export function referencePage(): string {
  const parts = [intro];
  let fieldsTold = false;
  for (const [name, schema] of Object.entries(configSections)) {
    const facts = factsOf(schema);
    if (facts.fields) parts.push(sectionText(name, facts, 2));
    else if (!fieldsTold) {
      parts.push(topFields());
      fieldsTold = true;
    }
  }
  return parts.join('\n');
}

/** What is no section, in one table. */
function topFields(): string {
  const rows = Object.entries(configSections).filter(([, schema]) => !factsOf(schema).fields);
  return [
    '## Settings of all networks',
    '',
    'These fields and the sections up to `cache` hold for every network. A network may say them again for itself: its own go',
    'before those at the top, field by field (a list or a map is taken whole). [Upstreams](upstreams.md) explains them.',
    '',
    ...tableHead,
    ...rows.map(([name, schema]) => row(name, factsOf(schema))),
    '',
  ].join('\n');
}

const tableHead = ['| field | type | default | bounds | meaning |', '|---|---|---|---|---|'];

/** How entries of a list or map are written in a heading. */
function entryName(name: string, facts: FieldFacts): string {
  if (facts.type.startsWith('list')) return `${name}[]`;
  return facts.type.startsWith('map of') ? `${name}.<name>` : name;
}

const explained = new Map<object, string>();

function sectionText(path: string, facts: FieldFacts, depth: number): string {
  if (path === 'server') explained.clear();
  const heading = entryName(path, facts);
  const same = facts.fields && explained.get(facts.fields);
  if (same)
    return `${'#'.repeat(Math.min(depth, 4))} \`${heading}\`\n\n${facts.about} Fields as in [\`${same}\`](#${anchor(same)}).\n`;
  const lines = [`${'#'.repeat(Math.min(depth, 4))} \`${heading}\``, '', facts.about, ''];
  if (facts.variants) return lines.join('\n') + variantsText(heading, facts.variants, depth);
  const rows = Object.entries(facts.fields ?? {}).filter(([, schema]) => factsOf(schema).type !== 'section');
  if (rows.length > 0) {
    lines.push(...tableHead);
    for (const [name, schema] of rows) lines.push(row(name, factsOf(schema)));
    lines.push('');
  }
  if (facts.fields) explained.set(facts.fields, heading);
  for (const [name, schema] of Object.entries(facts.fields ?? {})) {
    const inner = factsOf(schema);
    if (!inner.fields) continue;
    const known = explained.get(inner.fields);
    if (known === undefined) lines.push(sectionText(`${heading}.${name}`, inner, depth + 1));
    else if (inner.type === 'section')
      lines.push(`\`${heading}.${name}\`: as [\`${known}\`](#${anchor(known)}).`, '');
  }
  return lines.join('\n');
}

/** What all kinds have, in one table, and then what each has of its own. */
function variantsText(
  heading: string,
  { tag, kinds }: NonNullable<FieldFacts['variants']>,
  depth: number,
): string {
  const shapes = Object.entries(kinds).map(([name, kind]) => ({ name, ...factsOf(kind) }));
  const [first] = shapes;
  const common = Object.entries(first?.fields ?? {}).filter(([name, schema]) =>
    shapes.every(({ fields }) => fields?.[name] === schema),
  );
  const names = shapes.map(({ name }) => `\`${name}\``).join(', ');
  const tagRow = `| \`${tag}\` | ${names} | **required** |  | What kind it is: the fields of each are below. |`;
  const lines = [...tableHead, tagRow, ...common.map(([name, schema]) => row(name, factsOf(schema))), ''];
  for (const { name, about, fields } of shapes) {
    const own = Object.entries(fields ?? {}).filter(
      ([field, schema]) => field !== tag && !common.some(([, one]) => one === schema),
    );
    lines.push(
      `${'#'.repeat(Math.min(depth + 1, 4))} \`${heading}\` with \`${tag}: ${name}\``,
      '',
      about,
      '',
    );
    if (own.length > 0)
      lines.push(...tableHead, ...own.map(([field, schema]) => row(field, factsOf(schema))), '');
  }
  return `\n${lines.join('\n')}`;
}

function row(name: string, facts: FieldFacts): string {
  const known = facts.fields && explained.get(facts.fields);
  const fallback =
    facts.default === undefined ? '' : facts.default === 'required' ? '**required**' : code(facts.default);
  const about = known ? `${facts.about} See [\`${known}\`](#${anchor(known)}).` : facts.about;
  return `| \`${name}\` | ${cell(facts.type)} | ${fallback} | ${cell(facts.bounds ?? '')} | ${cell(about)} |`;
}

function code(text: string): string {
  return text === '' ? '' : `\`${cell(text)}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

/** As GitHub makes anchors of headings. */
function anchor(heading: string): string {
  return heading.toLowerCase().replace(/[^a-z0-9_-]/g, '');
}
