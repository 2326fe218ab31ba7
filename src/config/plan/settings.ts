import type { Config } from '../config.ts';
import { configSections } from '../schema/index.ts';
import { factsOf } from '../schema/facts.ts';
import { planAlerts } from './alerts.ts';
import { planSinks } from './sinks.ts';
import { planBlocklist } from './blocklist.ts';
import { changeText, isObject, shown } from './words.ts';

type Say = (sentence: string) => void;

/** Settings that only a restart can change, with what it would do. */
const restartFields: Readonly<Record<string, string>> = {
  'server.listen': 'the listener is opened at start',
  'server.workers': 'threads are started once',
  'server.state_dir': 'saved state is found at start',
  'admin.listen': 'the listener is opened at start',
  'limits.table_entries': 'the table is one piece of shared memory',
  'limits.quota_slots': 'the slots are one piece of shared memory',
  'blocklist.max_bans': 'the table is one piece of shared memory',
};

/** Plain settings, field by field; `limits.*` rules, networks and keys have files of their own. */
export function planSettings(from: Config, to: Config, say: Say, restart: Say): void {
  for (const section of [
    'server',
    'websocket',
    'admin',
    'identity',
    'methods',
    'usage',
    'events',
    'explain',
    'logging',
  ] as const) {
    compare(
      section,
      factsOf(configSections[section]!).fields ?? {},
      from[section],
      to[section],
      say,
      restart,
    );
  }
  planAlerts(from.alerts, to.alerts, say);
  planSinks(from.events.sinks, to.events.sinks, say);
  planBlocklist(from, to, say);
  const {
    deny: _deny,
    deny_files: _denied,
    allow: _allow,
    allow_files: _allowed,
    ...plain
  } = factsOf(configSections.blocklist!).fields ?? {};
  compare('blocklist', plain, from.blocklist, to.blocklist, say, restart);
  planStore(from.store, to.store, say, restart);
  planRedis(from.redis, to.redis, say, restart);
  const { limits } = from;
  for (const name of ['headers', 'charge_cached', 'table_entries', 'quota_slots'] as const) {
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

/** Both may hold passwords. */
function planStore(from: Config['store'], to: Config['store'], say: Say, restart: Say): void {
  if (JSON.stringify(from) === JSON.stringify(to)) return;
  const change =
    from.kind === to.kind
      ? 'store is another PostgreSQL database'
      : `store changes from ${from.kind} to ${to.kind}`;
  say(`${change}.`);
  restart(`${change}: it is opened at start.`);
}

/** Both may hold passwords. */
function planRedis(from: Config['redis'], to: Config['redis'], say: Say, restart: Say): void {
  if (JSON.stringify(from) === JSON.stringify(to)) return;
  const same = from !== null && to !== null && JSON.stringify(from.to) === JSON.stringify(to.to);
  const change =
    to === null
      ? 'redis is turned off'
      : from === null
        ? `redis is turned on (${to.to.kind})`
        : same
          ? 'redis is reached otherwise'
          : `redis is another one (${to.to.kind})`;
  say(`${change}.`);
  restart(`${change}: it is connected to at start.`);
}

type Fields = Readonly<Record<string, Parameters<typeof factsOf>[0]>>;

function compare(path: string, fields: Fields, from: object, to: object, say: Say, restart: Say): void {
  for (const [name, schema] of Object.entries(fields)) {
    const [before, after] = [from, to].map((section) => (section as Record<string, unknown>)[name]);
    const facts = factsOf(schema);
    if (facts.type === 'section' && isObject(before) && isObject(after)) {
      compare(`${path}.${name}`, facts.fields ?? {}, before, after, say, restart);
    } else if (path !== 'events' || name !== 'sinks')
      tell(`${path}.${name}`, before, after, schema, say, restart);
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
  say(changeText(path, before, after, type));
  const why = restartFields[path];
  if (why !== undefined)
    restart(`${path} changes from ${shown(before, type)} to ${shown(after, type)}: ${why}.`);
}
