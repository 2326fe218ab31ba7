import { z } from 'zod';
import { callCounts, latencies, latency } from './counts.ts';
import { identity, methods, summary, top } from './live.ts';
import { range } from './range.ts';

/** docs/statistics.md: what the schemas say, with words around it. */
export function statisticsPage(): string {
  return `${head}
${scopeText()}
## Counts

What is counted of calls, wherever \`counts\` stands below. \`calls\` is the sum of the nine from \`allowed\` to \`shed\`: each call, item of a
batch and notification is under one of them. The figures of answered calls, limits and quotas are those of the ledger: calls \`answered\` there
are \`allowed + burst − failed\`, calls \`refused\` there \`exceeded + quota\`.

${table(rowsOf(callCounts))}

Times are in microseconds. \`latency\` is of answered calls: \`total\`, and of it the \`proxy\`'s part and the \`upstream\`'s (for those that
were sent to one). Percentiles are estimates, \`null\` where there is nothing to measure: in \`latency\` of the summary \`proxy\` and \`upstream\` are off by at
most a sixteenth, all others by less than a factor of two.

${table(rowsOf(latency))}

## GET /stats/summary

${table(rowsOf(summary))}

## GET /stats/methods

By network and method, most calls first; at most 200 methods a network.

${table(rowsOf(methods))}

## GET /stats/top

\`?by=calls\` (the default), \`cost\`, \`refused\` or \`bytes\`; \`&limit=\` 1 to 1000, 20 by default. Refused is all that was not
let in, from \`exceeded\` to \`shed\`.

${table(rowsOf(top))}

${sketchText}
## GET /stats/identity/ID

\`ID\` is the id, name or prefix of a key, or an address (\`192.0.2.1\`, \`2001:db8::1\`; the \`/\` of a network is written \`%2F\`). Names that several
keys have are refused (409): ask by id. A key or address that never called has zeros.

${table(rowsOf(identity))}

## A time, from the ledger

With \`from\`, \`to\` or \`step\` each of the four answers from the ledger in place of the memory: usage of that time, over restarts, of all instances
that share the store: with PostgreSQL those that have the same, with SQLite the one that answers, whatever \`redis:\` says. \`scope\` in the answer says which; asking for \`?scope=instance\` of a
ledger that all share is refused (400). \`from\` (default: the beginning of the month) and \`to\` (default: now) are a date (\`2026-11-01\`), a time (\`2026-11-01T12:00:00Z\`) or how long
ago (\`24h\`, \`7d\`), UTC; \`step\` is \`minute\`, \`hour\` or \`day\`, and makes a line for each. What the ledger keeps by key it does not keep by address. Minutes are kept for \`usage.keep_minutes\`,
hours and days for longer; the ledger is a second or so behind.

${table(rowsOf(range))}

## Errors

Errors are \`application/problem+json\` with a \`code\` and a \`detail\` in words: 400 for a parameter that there is not or that means nothing, 401 without the
token, 404 for an identity that there is not, 409 where there is no store, a name means several keys, or an answer would have more than 20,000 lines,
503 while the store is away. They never repeat what was asked for: it may be a key.
`;
}

interface Row {
  field: string;
  type: string;
  about: string;
}

interface JsonSchema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  format?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  additionalProperties?: unknown;
}

const jsonOf = (schema: z.ZodType) => z.toJSONSchema(schema, { reused: 'inline' }) as JsonSchema;
const countNames = Object.keys(callCounts.shape);
const latencyNames = Object.keys(latency.shape);
const latencyParts = Object.keys(latencies.shape);

function rowsOf(schema: z.ZodType): Row[] {
  const json = jsonOf(schema);
  return Object.entries(json.properties ?? {}).flatMap(([name, field]) => fieldRows(name, field));
}

/** A field and those inside it; what is described once is named, not repeated. */
function fieldRows(path: string, field: JsonSchema): Row[] {
  const { anyOf = [], ...plain } = field;
  const listed = Array.isArray(field.type) ? field.type : [];
  const nullable = anyOf.some(({ type }) => type === 'null') || listed.includes('null');
  const type = listed.find((each) => each !== 'null') ?? field.type;
  const inner: JsonSchema = { ...plain, type, ...anyOf.find((each) => each.type !== 'null') };
  const { items } = inner;
  const row = (type: string): Row => ({
    field: path,
    type: nullable ? `${type} or null` : type,
    about: field.description ?? '',
  });
  if (items !== undefined) return [row('list'), ...inside(`${path}[]`, items)];
  if (inner.properties === undefined) return [row(typeText(inner))];
  if (sameNames(inner, countNames)) return [row('counts')];
  if (sameNames(inner, latencyNames)) return [row('times')];
  if (sameNames(inner, latencyParts)) return [row('latency')];
  if (path === 'scope' && inner.properties['of'] !== undefined)
    return [{ ...row('[scope](#scope)'), about: 'Whose figures these are' }];
  const rows = inside(path, inner);
  return field.description === undefined ? rows : [row('object'), ...rows];
}

function inside(path: string, { properties = {} }: JsonSchema): Row[] {
  const names = Object.keys(properties);
  const counted = countNames.every((name) => names.includes(name));
  const own = names.filter((name) => !counted || !countNames.includes(name));
  const rows = own.flatMap((name) => fieldRows(`${path}.${name}`, properties[name]!));
  return counted ? [...rows, { field: `${path}.…`, type: 'counts', about: '' }] : rows;
}

function sameNames({ properties = {} }: JsonSchema, names: readonly string[]): boolean {
  return Object.keys(properties).join() === names.join();
}

function typeText({ type, enum: values, format }: JsonSchema): string {
  if (values !== undefined) return values.map((value) => `\`${String(value)}\``).join(', ');
  if (format === 'date-time') return 'time';
  return type === 'integer' || type === 'number'
    ? 'number'
    : type === 'string'
      ? 'text'
      : type === 'boolean'
        ? 'true or false'
        : 'object';
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ field, type, about }) => `| \`${field}\` | ${type} | ${about.replaceAll('|', '\\|')} |`,
  );
  return `| field | type | what it is |\n|---|---|---|\n${lines.join('\n')}`;
}

const head = `<!-- Written by npm run docs from src/admin/stats. Change it there. -->

# Statistics

The admin listener (127.0.0.1:9540 by default) says who calls what, and what came of it, as JSON. Where \`admin.token\` is set it asks for
\`Authorization: Bearer\` with the token.

| | |
|---|---|
| \`GET /stats/summary\` | everything that is counted |
| \`GET /stats/methods\` | by network and method |
| \`GET /stats/top\` | who calls most, costs most, is refused most |
| \`GET /stats/identity/ID\` | one key or address |

\`\`\`sh
curl http://127.0.0.1:9540/stats/summary
curl 'http://127.0.0.1:9540/stats/top?by=refused&limit=5'
curl http://127.0.0.1:9540/stats/identity/acme
curl 'http://127.0.0.1:9540/stats/methods?from=24h&step=hour'
curl 'http://127.0.0.1:9540/stats/summary?scope=instance'
\`\`\`

Without a time they are live, from memory: since the start, of [one instance or all](#scope), all workers together, those that died and were replaced
included. A call is counted before its answer leaves, together with its usage: once calls have come to rest these figures, [/metrics](metrics.md) and
the ledger agree exactly, also where a worker threw or exited in between. One that was ended from outside (it hung, or ran out of memory) may
have been cut off within the microseconds between the two: then these figures are ahead of the ledger by unanswered calls of one turn at most.
\`latency.proxy\` and \`latency.upstream\` of the summary are counted at once, and so may be ahead by a turn after any death. With a time they are [from the ledger](#a-time-from-the-ledger).
`;

const scopeText = (): string => `## Scope

Where instances share a Redis (\`redis:\`), each of the four answers for all of them, so that it does not matter which is asked; \`?scope=instance\` asks for the one that answers alone.
Without a Redis an instance answers for itself, also with \`?scope=cluster\`. \`scope\` in each answer says whose figures it has:

${table(rowsOf(summary.shape.scope).map((row) => ({ ...row, field: `scope.${row.field}` })))}

Each instance tells the others its figures every two seconds by Redis, so those of the others are as old as \`ageSeconds\` says (by the clock of Redis), some two
seconds; of the one that answers they are of now. They are sums of what the instances that are there have counted since each was started: a total falls when an instance
leaves, as it does when one starts anew. One that died is left out after some 5 seconds, and so is one of a version that counts other things, or one of two that have one id by mistake (\`missing\`). While Redis is away the answer
has the figures of the one that answers alone, and says so (\`redis: away\`); it is no error.

Sums are exact, of keys and methods too, as long as an instance has not more than 2,000 keys that called and 1,024 methods, upstreams or rules each: it tells of those with the most calls.
Of a key beyond that at most \`missedCallsMax\` calls are missing; methods beyond it are under \`other\`.
Of addresses each tells the 1,024 that call most: the bounds of [the sketch](#get-statstop) add up over instances as they do over workers.

In the summary \`totals\`, \`latency\`, \`networks\`, \`cache\`, \`http\`, \`websocket\`, \`shadow\` and, of each upstream, \`calls\`, \`failures\`, \`inFlight\` and \`latency\` are of the
scope. All else is of the instance that answers: its version, config, workers, memory, what it knows of upstreams, and its \`usage\`, \`events\` and \`bans\`. [/metrics](metrics.md) is
always of one instance, as Prometheus wants it.
`;

const sketchText = `An instance counts keys exactly, each in a row of its own from its first call on. Addresses without a key can be any number, so the 1,024 that call most are listed by each worker, by a
space-saving sketch that says how wrong it may be: an address that was listed late had at most \`missedCallsMax\` calls before, so the true number lies between
\`counts.calls\` and that plus \`missedCallsMax\`; one that is not listed had at most \`unlistedCallsMax\`. As long as fewer addresses call, both are 0 and all is exact. Other counts of an address are those since it was
listed. Callers whose key is unknown count as their address.
`;
