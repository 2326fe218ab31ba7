import { type Config, type SinkConfig, secretFieldsOf } from '../../config/index.ts';

/** Lists and maps of secrets, of which the schema says so of their items. */
const secretNames = /secret|headers/;
/** Shorter texts of a module’s settings stand in half of the log’s lines. */
const SETTING_MIN = 8;

/** What of the sinks' configs must be seen in no log: of each field that the schema calls secret. */
export function sinkSecrets({ events }: Pick<Config, 'events'>): string[] {
  const found = events.sinks.flatMap((sink) => {
    const secret = secretFieldsOf(sink.type);
    return Object.entries(sink).flatMap(([name, value]) =>
      secret.has(name) || secretNames.test(name)
        ? textsOf(value).flatMap((text) => secretsOf(sink.type, name, text))
        : [],
    );
  });
  return [...new Set(found)];
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

function secretsOf(type: SinkConfig['type'], name: string, text: string): string[] {
  if (type === 'module' && text.length < SETTING_MIN) return [];
  return name === 'url' ? secretsOfUrl(text) : [text, ...secretsOfUrl(text)];
}

/** Chat services are called by a URL with a key in its path or query; who is called may be said. */
function secretsOfUrl(text: string): string[] {
  if (!/^[a-z]+:\/\//i.test(text) || !URL.canParse(text)) return [];
  const { pathname, search, searchParams, password } = new URL(text);
  const path = /[\w-]{16,}/.test(pathname) || search !== '' ? [pathname + search] : [];
  const values = [...searchParams.values()].filter(({ length }) => length >= SETTING_MIN);
  const typed = password !== '' ? [password, decoded(password)] : [];
  return [...path, ...values, ...typed];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
