/** How a value is written where it stands: inside a JSON string, a form’s value, a header, or as it is. */
export type TemplateForm = 'json' | 'form' | 'header' | 'text';

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

/** The names in `{{…}}` of a template, each once. */
export function placeholdersOf(template: string): string[] {
  return [...new Set([...template.matchAll(placeholder)].map(([, name = '']) => name))];
}

/** The form of a body, by the content type among the headers; JSON where there is none. */
export function templateForm(headers: Readonly<Record<string, string>>): TemplateForm {
  const named = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type');
  const type = named?.[1].toLowerCase() ?? 'application/json';
  if (type.includes('json')) return 'json';
  return type.includes('x-www-form-urlencoded') ? 'form' : 'text';
}

const written: Record<TemplateForm, (value: string) => string> = {
  json: (value) => JSON.stringify(value.toWellFormed()).slice(1, -1),
  form: (value) => encodeURIComponent(value.toWellFormed()),
  // A line break would begin another header.
  header: (value) => value.replace(/[^\x20-\x7e]+/g, ' '),
  text: (value) => value,
};

/** The template with its placeholders filled in, each escaped for where it stands. Names without a value stay. */
export function fillTemplate(
  template: string,
  form: TemplateForm,
  values: Readonly<Record<string, string>>,
): string {
  return template.replace(placeholder, (whole, name: string) =>
    Object.hasOwn(values, name) ? written[form](values[name] ?? '') : whole,
  );
}
