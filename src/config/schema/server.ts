import { cidr, listen } from './addresses.ts';
import { list, optionalRecord, section } from './containers.ts';
import { duration, field, integer, size, text } from './fields.ts';
import { origin } from './origin.ts';
import { pemFile } from './pem-file.ts';

const workers = field<'auto' | number>(
  {
    type: '`auto` or integer',
    about: 'Data-plane threads. `auto`: one per core. A change needs a restart.',
    bounds: '1 to 256',
    json: { anyOf: [{ const: 'auto' }, { type: 'integer', minimum: 1, maximum: 256 }] },
  },
  { written: 'auto', value: 'auto' },
  (value, fail) => {
    if (value === 'auto') return 'auto';
    const number = typeof value === 'string' && /^\d{1,4}$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && Number.isInteger(number) && number >= 1 && number <= 256) return number;
    return fail({ expected: 'auto or a whole number from 1 to 256' });
  },
);

/** A header's name, kept in lower case. */
const headerName = text<string>({
  type: 'header name',
  about: 'A header name.',
  expected: 'a header name',
  pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$",
  parse: (name) => (/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(name) ? name.toLowerCase() : undefined),
});

const cors = section('What browsers may do from other origins. Our headers are always exposed.', {
  allow_origins: list(origin, {
    type: 'list of origins',
    about: 'Origins allowed to call; `[]` turns CORS off.',
    default: ['*'],
    max: 1000,
  }),
  allow_headers: list(headerName, {
    type: 'list of header names',
    about: 'Request headers a browser may send.',
    default: ['content-type', 'authorization', 'x-api-key', 'x-request-id'],
    max: 100,
  }),
  max_age: duration({
    min: '0',
    max: '24h',
    default: '2h',
    about: 'How long a browser may keep the preflight’s answer.',
  }),
});

export const serverSection = section('The public listener: JSON-RPC and `/healthz`.', {
  listen: listen({
    default: '127.0.0.1:8540',
    about: 'Where callers connect. Port 0 takes any free one. A change needs a restart.',
  }),
  workers,
  tls: optionalRecord('TLS on the public listener. Turning it on or off needs a restart; new files do not.', {
    cert: pemFile('Certificate chain, PEM.'),
    key: pemFile('Private key, PEM.'),
  }),
  trusted_proxies: list(cidr, {
    type: 'list of networks',
    about: 'Peers whose `X-Forwarded-For` and `Forwarded` are believed, read from the right.',
    max: 10_000,
  }),
  max_body_bytes: size({
    min: '1KiB',
    max: '64MiB',
    default: '1MiB',
    about: 'Longest request body; 413 beyond.',
  }),
  max_batch_size: integer({
    min: 1,
    max: 10_000,
    default: 100,
    unit: 'calls',
    about: 'Most calls in one JSON-RPC batch.',
  }),
  max_header_bytes: size({
    min: '1KiB',
    max: '256KiB',
    default: '16KiB',
    about: 'Longest request head; 431 beyond.',
  }),
  header_timeout: duration({
    min: '100ms',
    max: '10m',
    default: '5s',
    about: 'Time for a whole request head, from its first byte.',
  }),
  request_timeout: duration({
    min: '100ms',
    max: '1h',
    default: '10s',
    about: 'Time for a whole request, head and body, to arrive.',
  }),
  idle_timeout: duration({
    min: '1s',
    max: '1h',
    default: '75s',
    about:
      'How long a kept-alive connection may wait for its next request. Longer than the load balancer’s own.',
  }),
  max_connections: integer({
    min: 1,
    max: 1_000_000,
    default: 20_000,
    unit: 'connections',
    about: 'Open client connections over all workers; 503 beyond.',
  }),
  max_connections_per_address: integer({
    min: 1,
    max: 1_000_000,
    default: 1000,
    unit: 'connections',
    about:
      'Open connections from one peer address (IPv6: from one network of `identity.ipv6_prefix`) over all workers; 503 beyond. Trusted proxies are not held to it.',
  }),
  drain_timeout: duration({
    min: '0',
    max: '1h',
    default: '30s',
    about: 'At shutdown, how long calls under way may take before their connections are closed.',
  }),
  cors,
  docs_url: text<string>({
    type: 'URL prefix',
    about: 'What an error’s page address begins with; the error’s code follows.',
    expected: 'an http or https URL, or a path',
    default: { written: 'docs/errors.md#', value: 'docs/errors.md#' },
    parse: (url) => (/^[\x21-\x7e]{1,500}$/.test(url) && !/["\\<>]/.test(url) ? url : undefined),
  }),
  state_dir: text<string>({
    type: 'folder or `none`',
    about:
      'Where bucket levels are kept over a restart that drained, journals of usage, SQLite, and what tells this instance from others; `none` keeps nothing. From the config’s folder. A change needs a restart.',
    expected: 'the path of a folder, or none',
    default: { written: '.polymorph', value: '.polymorph' },
    parse: (path) => (path.length > 0 && !path.includes('\0') ? path : undefined),
  }),
});
