import type { Config } from '../config.ts';
import { formatDuration, formatSize } from '../quantity.ts';
import { formatListen, type ListenAddress } from '../schema/addresses.ts';
import { configSections } from '../schema/index.ts';
import { factsOf } from '../schema/fields.ts';

type Say = (sentence: string) => void;

/** Settings that only a restart can change, with what it would do. */
const restartFields: Readonly<Record<string, string>> = {
  'server.listen': 'the listener is opened at start',
  'server.workers': 'threads are started once',
  'server.state_dir': 'saved state is found at start',
  'admin.listen': 'the listener is opened at start',
  'limits.table_entries': 'the table is one piece of shared memory',
  'limits.quota_slots': 'the slots are one piece of shared memory',
};

/** Plain settings, field by field; `limits.*` rules, networks and keys have files of their own. */
export function planSettings(from: Config, to: Config, say: Say, restart: Say): void {
  for (const section of ['server', 'admin', 'identity', 'methods', 'explain', 'logging'] as const) {
    compare(
      section,
      factsOf(configSections[section]!).fields ?? {},
      from[section],
      to[section],
      say,
      restart,
    );
  }
  const { limits } = from;
  for (const name of ['headers', 'table_entries', 'quota_slots'] as const) {
    tell(
      `limits.${name}`,
      limits[name],
      to.limits[name],
      factsOf(configSections.limits!).fields?.[name],
      say,
      restart,
    );
  }
}

type Fields = Readonly<Record<string, Parameters<typeof factsOf>[0]>>;

function compare(path: string, fields: Fields, from: object, to: object, say: Say, restart: Say): void {
  for (const [name, schema] of Object.entries(fields)) {
    const [before, after] = [from, to].map((section) => (section as Record<string, unknown>)[name]);
    const facts = factsOf(schema);
    if (facts.type === 'section' && isObject(before) && isObject(after)) {
      compare(`${path}.${name}`, facts.fields ?? {}, before, after, say, restart);
    } else tell(`${path}.${name}`, before, after, schema, say, restart);
  }
}

function tell(
  path: string,
  before: unknown,
  after: unknown,
  schema: Fields[string] | undefined,
  say: Say,
  restart: Say,
): void {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  const { secret, type } = schema ? factsOf(schema) : { secret: false, type: '' };
  if (path === 'server.tls') {
    const turned = `server.tls is turned ${after === null ? 'off' : 'on'}`;
    say(`${turned}.`);
    restart(`${turned}: connections are either all TLS or none.`);
    return;
  }
  if (secret) {
    say(`${path} is ${after === null ? 'taken away' : before === null ? 'set' : 'replaced'}.`);
    return;
  }
  const sentence =
    Array.isArray(before) && Array.isArray(after)
      ? listChange(path, before, after)
      : isObject(before) && isObject(after) && !('port' in after)
        ? mapChange(path, before, after)
        : `${path} changes from ${shown(before, type)} to ${shown(after, type)}.`;
  say(sentence);
  const why = restartFields[path];
  if (why !== undefined)
    restart(`${path} changes from ${shown(before, type)} to ${shown(after, type)}: ${why}.`);
}

function listChange(path: string, before: unknown[], after: unknown[]): string {
  const texts = after.map(String);
  const old = before.map(String);
  const added = texts.filter((one) => !old.includes(one));
  const removed = old.filter((one) => !texts.includes(one));
  if (added.length + removed.length === 0) return `${path} has another order.`;
  const parts = [added.length > 0 && `gains ${some(added)}`, removed.length > 0 && `loses ${some(removed)}`];
  return `${path} ${parts.filter(Boolean).join(' and ')}.`;
}

function mapChange(path: string, before: object, after: object): string {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const parts: string[] = [];
  for (const name of names) {
    const [a, b] = [before, after].map((map) =>
      Object.hasOwn(map, name) ? (map as Record<string, unknown>)[name] : undefined,
    );
    if (JSON.stringify(a) === JSON.stringify(b)) continue;
    if (a === undefined) parts.push(`gains ${name} (${shown(b)})`);
    else if (b === undefined) parts.push(`loses ${name}`);
    else parts.push(`changes ${name} from ${shown(a)} to ${shown(b)}`);
  }
  if (parts.length === 0) return `${path} has another order.`;
  return `${path} ${some(parts, ', ')}.`;
}

/** At most eight, then how many more. */
export function some(names: readonly string[], separator = ', '): string {
  const more = names.length - 8;
  return more > 0 ? `${names.slice(0, 8).join(separator)} and ${more} more` : names.join(separator);
}

function shown(value: unknown, type = ''): string {
  if (value === null) return 'none';
  if (typeof value === 'number' && type === 'duration') return formatDuration(value);
  if (typeof value === 'number' && type === 'size') return formatSize(value);
  if (typeof value === 'number' && type === 'share') return `${Number((value * 100).toFixed(6))}%`;
  if (isObject(value) && 'port' in value) return formatListen(value as ListenAddress);
  if (Array.isArray(value)) return `[${some(value.map(String))}]`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
