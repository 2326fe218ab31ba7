import { nearestName } from './nearest.ts';

export const mailContentTypes = [
  'application/json',
  'application/x-www-form-urlencoded',
  'text/plain',
] as const;
export type MailContentType = (typeof mailContentTypes)[number];

/** What may stand in `{{…}}` of a mail’s template. */
export const placeholders = [
  'title',
  'text',
  'html',
  'title_html',
  'text_html',
  'event',
  'id',
  'type',
  'subject',
  'severity',
  'tenant',
  'time',
  'sequence',
  'source',
] as const;

const placeholder = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** A name in `{{…}}` that stands for nothing; null: all are known. */
export function placeholderFault(template: string): { message: string; suggestion: string } | null {
  for (const [, name = ''] of template.matchAll(placeholder)) {
    if ((placeholders as readonly string[]).includes(name)) continue;
    const near = nearestName(name, placeholders);
    return {
      message: `unknown placeholder {{${name.slice(0, 40)}}}`,
      suggestion: `${near === undefined ? '' : `did you mean {{${near}}}? `}known: ${placeholders.join(', ')}`,
    };
  }
  return null;
}

/** What callers had no part in, or what is HTML already. */
const tame: readonly string[] = [
  'html',
  'title_html',
  'text_html',
  'id',
  'type',
  'severity',
  'time',
  'sequence',
];

/** A placeholder whose text would be read as HTML: it stands in a value that has tags. null: there is none. */
function htmlFault(values: readonly string[]): { message: string; suggestion: string } | null {
  for (const value of values) {
    if (!/<[a-z!/][^>]*>/i.test(value.replace(placeholder, ''))) continue;
    for (const [, name = ''] of value.matchAll(placeholder)) {
      if (tame.includes(name)) continue;
      const escaped =
        name === 'title' || name === 'text'
          ? `{{${name}_html}}`
          : '{{title_html}}, {{text_html}} or {{html}}';
      return {
        message: `{{${name}}} stands in HTML and is not escaped for it: a caller could write tags`,
        suggestion: `write ${escaped}`,
      };
    }
  }
  return null;
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

/** The values of a template, with their placeholders in them. */
function valuesOf(template: string, type: MailContentType): string[] {
  if (type === 'text/plain') return [template];
  if (type === 'application/x-www-form-urlencoded') return [...new URLSearchParams(template).values()];
  return textsOf(JSON.parse(template));
}

/** What is wrong with a template once its placeholders are filled in: no JSON, or HTML of a caller’s; null: nothing. */
export function templateFault(
  template: string,
  type: MailContentType,
): { message: string; suggestion: string } | null {
  if (type !== 'application/json') return htmlFault(valuesOf(template, type));
  const values = Object.fromEntries(placeholders.map((name) => [name, 'a "text"\nof two lines']));
  try {
    JSON.parse(fillTemplate(template, type, values));
  } catch {
    return {
      message: 'is no JSON with its placeholders filled in',
      suggestion: 'each placeholder stands inside quotes: "subject": "{{title}}"',
    };
  }
  return htmlFault(valuesOf(template, type));
}

const written: Record<MailContentType | 'header', (value: string) => string> = {
  'application/json': (value) => JSON.stringify(value.toWellFormed()).slice(1, -1),
  'application/x-www-form-urlencoded': (value) => encodeURIComponent(value.toWellFormed()),
  // A line break would begin another header.
  header: (value) => value.replace(/[^\x20-\x7e]+/g, ' '),
  'text/plain': (value) => value,
};

/** The template with its placeholders filled in, each escaped for the place it stands in. Names without a value stay. */
export function fillTemplate(
  template: string,
  place: MailContentType | 'header',
  values: Readonly<Record<string, string>>,
): string {
  return template.replace(placeholder, (whole, name: string) =>
    Object.hasOwn(values, name) ? written[place](values[name] ?? '') : whole,
  );
}
