import type { Config } from '../../config/index.ts';

const secretNames = /secret|token|password|headers|auth|routing_key|api_key/;

/** What of the sinks' configs must be seen in no log. */
export function sinkSecrets({ events }: Pick<Config, 'events'>): string[] {
  return events.sinks.flatMap((sink) =>
    Object.entries(sink).flatMap(([name, value]) => {
      if (secretNames.test(name)) return textsOf(value);
      return textsOf(value).flatMap(secretsOfUrl);
    }),
  );
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

/** Chat services are called by a URL with a key in its path. */
function secretsOfUrl(text: string): string[] {
  if (!/^[a-z]+:\/\//i.test(text) || !URL.canParse(text)) return [];
  const { pathname, search, password } = new URL(text);
  const path = pathname + search;
  return [...(/[\w-]{16,}/.test(path) ? [path] : []), ...(password === '' ? [] : [password])];
}
