import { list, namedMap, optionalRecord, record, section } from './containers.ts';
import { choice, duration, flag, integer, size, text, wrong } from './fields.ts';
import { decimal } from './fractions.ts';
import { headerKey, headerValue } from './header-field.ts';
import { pattern } from './methods.ts';
import { pemFile } from './pem-file.ts';
import { parseUpstreamUrl, type UpstreamUrl } from './upstream-url.ts';

const modes = ['single', 'pipelined', 'batched'] as const;

export const upstream = record('One node.', {
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
  ws_url: text<UpstreamUrl | null>({
    type: 'URL',
    about:
      'The node’s `ws` or `wss` address, for subscriptions alone: calls go to `url`. Without one its blocks are asked for over HTTP again and again. Headers, `auth` and `tls` hold for it too.',
    secret: true,
    expected: 'a URL such as ws://127.0.0.1:8546',
    default: { written: 'none', value: null },
    parse: (written) =>
      /^wss?:/i.test(written)
        ? (parseUpstreamUrl(written.replace(/^ws/i, 'http')) ?? wrong({}))
        : wrong({ suggestion: 'begin it with ws:// or wss://' }),
  }),
  name: text<string>({
    type: 'name',
    about: 'What logs and explain call it.',
    expected: 'a name: letters, digits, `.`, `_`, `:`, `-`, at most 64',
    default: { written: 'host:port of the URL', value: '' },
    parse: (name) => (/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/.test(name) ? name : undefined),
  }),
  tier: choice({
    values: ['primary', 'fallback'],
    default: 'primary',
    about: '`fallback`: called only while no primary upstream can be.',
  }),
  weight: decimal({
    min: 0.01,
    max: 1000,
    default: 1,
    about:
      'Its share of the calls against the others of its tier: one of 2 is given twice the calls of one of 1.',
  }),
  mode: choice({
    values: modes,
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
    about: 'Time for one attempt; the call then goes elsewhere, or 504.',
  }),
  max_response_bytes: size({
    min: '1KiB',
    max: '1GiB',
    default: '64MiB',
    about: 'Longest answer; 502 beyond.',
  }),
  http2: flag({
    default: false,
    about:
      'HTTP/2: agreed on by ALPN over TLS, taken as known without. All calls of a worker share a few connections.',
  }),
  tls: optionalRecord('TLS to this node, beside the `https` of its URL.', {
    ca: pemFile('Certificates to trust in place of the system’s, PEM. Read again when the file changes.'),
  }),
  auth: optionalRecord('Credentials it is called with: `basic` or `bearer`. Write them as `${NAME}`.', {
    basic: optionalRecord('User and password.', {
      user: text<string>({
        type: 'text',
        about: 'The user.',
        expected: 'at most 1024 characters without a colon',
        secret: true,
        parse: (user) => (/^[^:\p{Cc}]{1,1024}$/u.test(user) ? user : undefined),
      }),
      password: text<string>({
        type: 'text',
        about: 'The password.',
        expected: 'at most 1024 characters',
        secret: true,
        parse: (password) => (/^\P{Cc}{1,1024}$/u.test(password) ? password : undefined),
      }),
    }),
    bearer: text<string | null>({
      type: 'text',
      about: 'A token, sent as `Authorization: Bearer`.',
      bounds: '1 to 4096 visible ASCII characters',
      expected: '1 to 4096 visible ASCII characters',
      secret: true,
      default: { written: 'none', value: null },
      parse: (token) => (/^[\x21-\x7e]{1,4096}$/.test(token) ? token : undefined),
    }),
  }),
  requests_per_second: decimal({
    min: 0,
    max: 10_000_000,
    default: 0,
    unit: 'calls',
    about:
      'Most calls a second of all workers, with a burst of as many; beyond, others are called. 0: no bound.',
  }),
  max_in_flight: integer({
    min: 0,
    max: 1_000_000,
    default: 0,
    unit: 'calls',
    about: 'Most calls in flight of all workers; further ones go elsewhere, or wait. 0: no bound.',
  }),
  methods: section('Methods it is called for. The denied ones go before the allowed.', {
    allowed: list(pattern, {
      type: 'list of patterns',
      about: 'Only these; empty: all.',
      max: 1000,
    }),
    denied: list(pattern, { type: 'list of patterns', about: 'Never these.', max: 1000 }),
  }),
  lacks: list(
    choice({
      values: ['archive', 'trace', 'debug'],
      about: 'Something a node may not have.',
    }),
    {
      type: 'list of `archive`, `trace`, `debug`',
      about:
        'What it cannot do. `trace`: not called for `trace_*`, `debug`: not for `debug_*`. `archive`: it keeps the state of late blocks only, so that a call another node has no state for is not sent on to it.',
      max: 3,
    },
  ),
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
    max_wait: duration({
      min: '0',
      max: '1s',
      default: '0',
      about: 'How long a call may wait for others. 0: no longer than until those that came with it are read.',
    }),
  }),
});
