import { z } from 'zod';
import { list, optionalRecord } from './containers.ts';
import { describe, jsonOf } from './facts.ts';
import { anything, duration, field, resultOf, text } from './fields.ts';
import { pemFile } from './pem-file.ts';
import { parseRedisUrl, type RedisUrl } from './redis-url.ts';

/** Where one Redis, Sentinel or node of a Cluster listens. */
export interface HostPort {
  /** Without brackets. */
  host: string;
  port: number;
}

const hostPort = text<HostPort>({
  type: 'host:port',
  about: 'Where one listens, such as `10.0.0.5:26379`.',
  expected: 'host:port such as 10.0.0.5:26379',
  parse(written) {
    if (!/^(\[[0-9a-f:.]+\]|[a-z0-9._-]+):\d{1,5}$/i.test(written)) return undefined;
    const colon = written.lastIndexOf(':');
    const port = Number(written.slice(colon + 1));
    return port >= 1 && port <= 65_535
      ? { host: written.slice(0, colon).replace(/^\[|\]$/g, ''), port }
      : undefined;
  },
});

const credential = (about: string) =>
  text<string | null>({
    type: 'text',
    about,
    secret: true,
    expected: 'at most 1024 characters',
    default: { written: 'none', value: null },
    parse: (written) => (/^\P{Cc}{1,1024}$/u.test(written) ? written : undefined),
  });

const urlSpec = {
  type: 'URL',
  about:
    'Of one Redis: `redis://user:password@host:6379/0`, or `rediss://` with TLS. Special characters of a password are written as %XX.',
  secret: true,
  expected: 'a URL such as redis://127.0.0.1:6379',
  parse: parseRedisUrl,
};

const fields = {
  url: text<RedisUrl | null>({ ...urlSpec, default: { written: 'none', value: null } }),
  sentinels: list(hostPort, {
    type: 'list of host:port',
    about: 'Of Sentinels, in place of `url`; they say which Redis is the master.',
    max: 32,
  }),
  name: text<string | null>({
    type: 'name',
    about: 'What the Sentinels call the master.',
    expected: 'the master’s name, such as mymaster',
    default: { written: 'none', value: null },
    parse: (written) => (/^[A-Za-z0-9._-]{1,255}$/.test(written) ? written : undefined),
  }),
  sentinel_username: credential('For the Sentinels, where they ask for one.'),
  sentinel_password: credential('For the Sentinels, where they ask for one.'),
  cluster: list(hostPort, {
    type: 'list of host:port',
    about: 'Nodes of a Redis Cluster, in place of `url`: some of them, the others are found.',
    max: 256,
  }),
  username: credential('Whom we log in as, where the URL does not say it. Default: Redis’s own `default`.'),
  password: credential('What with, where the URL does not say it. Write it as `${NAME}`.'),
  db: field<number | null>(
    {
      type: 'integer',
      about: 'The database, where the URL does not say it. A Cluster has only 0.',
      bounds: '0 to 99999',
      json: { type: 'integer', minimum: 0, maximum: 99_999 },
    },
    { written: '0', value: null },
    (value, fail) => {
      const number = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value;
      if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 99_999)
        return number;
      return fail({ expected: 'a whole number from 0 to 99999' });
    },
  ),
  tls: optionalRecord(
    'TLS: to Sentinels and the nodes of a Cluster only with this section, be it `{}`; to a `rediss://` URL in any case.',
    {
      ca: pemFile('Certificates to trust in place of the system’s, PEM.', {
        written: 'the system’s',
        value: null,
      }),
    },
  ),
  prefix: text<string>({
    type: 'text',
    about: 'What all our keys there begin with. Instances with the same prefix are one.',
    bounds: '1 to 64 letters, digits, `.`, `_`, `:`, `-`',
    expected: '1 to 64 letters, digits, `.`, `_`, `:`, `-`',
    default: { written: 'pp:', value: 'pp:' },
    parse: (written) => (/^[A-Za-z0-9._:-]{1,64}$/.test(written) ? written : undefined),
  }),
  command_timeout: duration({
    min: '10ms',
    max: '1s',
    default: '50ms',
    about: 'How long an answer is waited for; then the instance decides by itself.',
  }),
  connect_timeout: duration({
    min: '50ms',
    max: '30s',
    default: '1s',
    about: 'How long a connection is waited for, with its login; and a start for Redis.',
  }),
};

const record = z.strictObject(fields);

/** As written, each part checked by itself; what they say together is for the checks. */
export type ParsedRedis = z.output<typeof record>;

/** The URL alone: its problems are the section's own, and not those of a field `url` that is nowhere in the file. */
const alone = text<RedisUrl>({ ...urlSpec, expected: `${urlSpec.expected}, or a map` });

const off = (value: unknown): boolean =>
  value === undefined || value === null || value === false || value === 'none';

export const redisSection: z.ZodType<ParsedRedis | null> = anything.transform(
  (value, context): ParsedRedis | null => {
    if (off(value)) return null;
    if (typeof value === 'object') return resultOf(record.safeParse(value), value, context);
    return { ...record.parse({}), url: resultOf(alone.safeParse(value), value, context) };
  },
);

describe(redisSection, {
  type: 'URL or section',
  about:
    'What several instances share limits, bans, quotas and statistics by: `redis: redis://host:6379`, or a map with `url`, `sentinels` or `cluster`. Without it an instance is alone. See [scaling](scaling.md). A change needs a restart.',
  default: 'none',
  fields,
  json: () => ({
    anyOf: [
      { type: 'string', pattern: '^(rediss?://|none$|.*\\$\\{)' },
      {
        type: 'object',
        additionalProperties: false,
        properties: Object.fromEntries(Object.entries(fields).map(([name, one]) => [name, jsonOf(one)])),
      },
      { enum: [null, false] },
    ],
  }),
});
