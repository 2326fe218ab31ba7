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

/** What is wrong with a template of JSON once its placeholders are filled in; null: nothing. */
export function templateFault(
  template: string,
  type: MailContentType,
): { message: string; suggestion: string } | null {
  if (type !== 'application/json') return null;
  const values = Object.fromEntries(placeholders.map((name) => [name, 'a "text"\nof two lines']));
  try {
    JSON.parse(fillTemplate(template, type, values));
    return null;
  } catch {
    return {
      message: 'is no JSON with its placeholders filled in',
      suggestion: 'each placeholder stands inside quotes: "subject": "{{title}}"',
    };
  }
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
