import { cidr } from './addresses.ts';
import { list, optionalRecord, section } from './containers.ts';
import { choice, duration, flag, integer, text } from './fields.ts';
import { decimal } from './fractions.ts';

const addressFile = text<string>({
  type: 'file',
  about: 'One address or network a line; `#` begins a comment.',
  expected: 'the path of a file, absolute or from the config’s folder',
  parse: (path) => (path.length > 0 && !path.includes('\0') ? path : undefined),
});

const addresses = (about: string) => list(cidr, { type: 'list of networks', about });
const files = (about: string) =>
  list(addressFile, {
    type: 'list of files',
    about: `${about} One a line, \`#\` begins a comment. They are watched and read again as this file is.`,
    max: 100,
  });

const weight = (about: string, fallback: number) =>
  integer({ min: 0, max: 1_000_000, default: fallback, about: `${about}; 0: does not count.` });

export const blocklistSection = section(
  'Addresses that are refused (403). `allow` wins over all the rest. Bans set by `polymorph blocklist` and by `auto_ban` come on top.',
  {
    mode: choice({
      values: ['enforce', 'simulate'],
      default: 'enforce',
      about: '`simulate`: nobody is refused; what would have been is counted and told.',
    }),
    deny: addresses('Addresses and networks that are refused.'),
    deny_files: files('Files with more of `deny`.'),
    allow: addresses('Addresses and networks that are never refused or banned, whatever else says so.'),
    allow_files: files('Files with more of `allow`.'),
    close_connections: flag({
      default: false,
      about:
        'Closes a connection from a refused address at once, without an answer. By the peer’s address: never one of a trusted proxy.',
    }),
    max_bans: integer({
      min: 100,
      max: 1_000_000,
      default: 100_000,
      unit: 'bans',
      about:
        'Bans at once, beside `deny`; where that many stand no more is made until one ends. A change needs a restart.',
    }),
    auto_ban: optionalRecord(
      'Bans addresses (IPv6: networks of `identity.ipv6_prefix`) by what is refused of them. Never loopback, trusted proxies or `allow`.',
      {
        threshold: integer({
          min: 1,
          max: 1_000_000_000,
          default: 1000,
          about: 'Weight of violations within `window` that is a ban.',
        }),
        window: duration({
          min: '1s',
          max: '24h',
          default: '1m',
          about: 'How long a violation counts; it may be let go of up to an eighth earlier.',
        }),
        ban_for: duration({ min: '1s', max: '365d', default: '10m', about: 'Length of the first ban.' }),
        growth: decimal({
          min: 1,
          max: 100,
          default: 2,
          about:
            'Each further ban is so many times as long, unless the one before ended longer than `ban_max` ago.',
        }),
        ban_max: duration({
          min: '1s',
          max: '365d',
          default: '24h',
          about: 'Longest ban. Not below `ban_for`.',
        }),
        weights: section('What each violation weighs.', {
          rate_limited: weight('A call, socket or subscription refused by a limit', 1),
          unauthorized: weight('An unknown, disabled or expired key', 10),
          invalid: weight('A request that is not sound HTTP, JSON or JSON-RPC, or too large', 10),
          method_blocked: weight('A call of a blocked method', 10),
        }),
      },
    ),
  },
);
