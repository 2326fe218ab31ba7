import { hash } from 'node:crypto';
import { optionalListen } from './addresses.ts';
import { list, section } from './containers.ts';
import { text, wrong } from './fields.ts';

const TOKEN_LENGTH_MIN = 16;

/** A bearer token in the only form it is kept. */
export interface AdminToken {
  /** Hex. */
  sha256: string;
}

const token = text<AdminToken | null>({
  type: 'text',
  about:
    'Bearer token asked of every admin request but the health checks; empty: none. Needed beyond loopback.',
  bounds: '16 to 512 visible ASCII characters',
  secret: true,
  expected: `at least ${TOKEN_LENGTH_MIN} visible ASCII characters`,
  default: { written: 'none', value: null },
  parse(written) {
    if (written === '') return null;
    if (!/^[\x21-\x7e]{1,512}$/.test(written)) return undefined;
    if (written.length < TOKEN_LENGTH_MIN) return wrong({ suggestion: 'openssl rand -hex 32 makes one' });
    return { sha256: hash('sha256', written, 'hex') };
  },
});

export const adminSection = section('The listener for operators: health, explain and the Admin API.', {
  listen: optionalListen({
    default: '127.0.0.1:9540',
    about: 'Where operators connect; `none` turns it off. A change needs a restart.',
  }),
  token,
  allowed_hosts: list(
    text<string>({
      type: 'host name',
      about: 'A name without port.',
      expected: 'a host name without a port',
      parse: (host) =>
        /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(host) ? host.toLowerCase() : undefined,
    }),
    {
      type: 'list of host names',
      about:
        'Further names a `Host` header may have, against DNS rebinding; addresses and `localhost` always may.',
      max: 100,
    },
  ),
});
