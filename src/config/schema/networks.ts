import { z } from 'zod';
import { list, nameOf, namedMap, record, section } from './containers.ts';
import { choice, duration, integer, size, text, wrong } from './fields.ts';

/** A node's address, with what a URL may hide taken out. */
export interface UpstreamUrl {
  tls: boolean;
  /** Without brackets. */
  host: string;
  port: number;
  /** Path and query. May hold a provider's key: not for logs. */
  path: string;
  /** What `Host` says: the port only where it is not the scheme's own. */
  hostHeader: string;
  /** `https://host:port`: fit for logs. */
  origin: string;
  /** `Basic …` of the URL's user and password; secret. */
  authorization: string | null;
}

/** undefined if it is no http(s) URL. */
export function parseUpstreamUrl(written: string): UpstreamUrl | undefined {
  if (/[\s\p{Cc}\\]/u.test(written) || !/^https?:\/\/[^/]/i.test(written) || !URL.canParse(written))
    return undefined;
  const url = new URL(written);
  if (url.hash !== '') return undefined;
  const tls = url.protocol === 'https:';
  const port = url.port === '' ? (tls ? 443 : 80) : Number(url.port);
  if (port === 0) return undefined;
  let authorization: string | null = null;
  if (url.username !== '' || url.password !== '') {
    try {
      const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
      authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
    } catch {
      return undefined;
    }
  }
  return {
    tls,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    path: url.pathname + url.search,
    hostHeader: url.host,
    origin: url.origin,
    authorization,
  };
}

/** Headers that are ours to write. */
const ownHeaders = new Set([
  'host',
  'content-length',
  'content-type',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'expect',
  'proxy-connection',
  'accept-encoding',
]);

const headerKey: z.ZodType<string> = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, { error: 'expected a header name' })
  .refine((name) => !ownHeaders.has(name.toLowerCase()), {
    error: 'this header is written by the gateway itself',
  });

const headerValue = text<string>({
  type: 'text',
  about: 'The value.',
  secret: true,
  bounds: 'at most 4096 visible ASCII characters',
  expected: 'at most 4096 visible ASCII characters',
  parse: (value) => (/^[\x21-\x7e]([\x20-\x7e]{0,4094}[\x21-\x7e])?$/.test(value) ? value : undefined),
});

export const upstreamModes = ['single', 'pipelined', 'batched'] as const;

const upstream = record('One node.', {
  url: text<UpstreamUrl>({
    type: 'URL',
    about: 'The node’s `http` or `https` address. User and password in it become an `Authorization` header.',
    secret: true,
    expected: 'a URL such as http://127.0.0.1:8545',
    parse: (written) =>
      parseUpstreamUrl(written) ??
      wrong({
        suggestion: /^wss?:/i.test(written)
          ? 'give the node’s http address'
          : /^[\w.-]+(:\d+)?(\/|$)/.test(written)
            ? 'begin it with http:// or https://'
            : undefined,
      }),
  }),
  name: text<string>({
    type: 'name',
    about: 'What logs and explain call it.',
    expected: 'a name: letters, digits, `.`, `_`, `:`, `-`, at most 64',
    default: { written: 'host:port of the URL', value: '' },
    parse: (name) => (/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/.test(name) ? name : undefined),
  }),
  mode: choice({
    values: upstreamModes,
    default: 'single',
    about:
      '`single`: one exchange a connection at a time. `pipelined`: safe calls that come together share a connection. `batched`: cheap calls that come together share a JSON-RPC batch.',
  }),
  max_idle: integer({
    min: 0,
    max: 10_000,
    default: 50,
    unit: 'connections',
    about: 'Idle connections each worker keeps.',
  }),
  idle_timeout: duration({
    min: '1s',
    max: '1h',
    default: '90s',
    about: 'How long an idle connection is kept. Shorter than the node’s own.',
  }),
  max_connections: integer({
    min: 1,
    max: 100_000,
    default: 1000,
    unit: 'connections',
    about: 'Connections each worker opens; calls beyond wait.',
  }),
  connect_timeout: duration({
    min: '10ms',
    max: '5m',
    default: '5s',
    about: 'Time to connect, TLS included.',
  }),
  first_byte_timeout: duration({
    min: '10ms',
    max: '1h',
    default: '30s',
    about: 'Time from the call sent to the answer’s first byte.',
  }),
  timeout: duration({
    min: '10ms',
    max: '1h',
    default: '60s',
    about: 'Time for the whole call; 504 beyond.',
  }),
  max_response_bytes: size({
    min: '1KiB',
    max: '1GiB',
    default: '64MiB',
    about: 'Longest answer; 502 beyond.',
  }),
  headers: namedMap(headerKey, headerValue, {
    type: 'map of text',
    about: 'Headers sent with each call. Shown nowhere.',
  }),
  batch: section('How calls are grouped in `batched` mode.', {
    max_size: integer({
      min: 2,
      max: 1000,
      default: 20,
      unit: 'calls',
      about: 'Most calls in one upstream batch.',
    }),
    max_bytes: size({ min: '1KiB', max: '16MiB', default: '256KiB', about: 'Longest upstream batch.' }),
  }),
});

const UPSTREAMS_MAX = 100;

const upstreams = (about: string, min: number) =>
  list(upstream, { type: 'list of upstreams', about, max: UPSTREAMS_MAX, min });

const network = record('One network.', {
  path: text<string>({
    type: 'path',
    about: 'Where callers find it: `<path>` and `<path>/<key>`.',
    expected: '/ or one segment such as /eth',
    default: { written: '/<name>', value: '' },
    pattern: '^/([A-Za-z0-9._~-]{1,64})?$',
    parse(path) {
      if (/^\/([A-Za-z0-9._~-]{1,64})?$/.test(path) && path !== '/.' && path !== '/..') return path;
      const bare = path.replace(/^\/+|\/+$/g, '');
      return wrong({ suggestion: /^[A-Za-z0-9._~-]{1,64}$/.test(bare) ? `write /${bare}` : undefined });
    },
  }),
  upstreams: upstreams('Its nodes.', 1),
});

export const networksMap = namedMap(nameOf('a network'), network, {
  type: 'map of networks',
  about: 'Networks by name, each with a path of its own. Either this or `upstreams`.',
});

export const upstreamsList = upstreams(
  'The nodes of the one network `default`, at `/`. Either this or `networks`.',
  0,
);
