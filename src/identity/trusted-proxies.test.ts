import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTrustedProxies } from './trusted-proxies.ts';

const proxies = createTrustedProxies(['10.0.0.0/8', '2001:db8:a::/48', '127.0.0.1', 'fe80::/10']);
const trustedAddresses = fc.constantFrom('10.0.0.1', '10.255.1.2', '127.0.0.1', '2001:db8:a::7', 'fe80::9');
const otherAddresses = fc.constantFrom('192.0.2.1', '11.0.0.1', '2001:db8:b::1', '127.0.0.2', '::1');
/** What names nobody, in either header. */
const unreadable = fc.constantFrom(
  'unknown',
  '_hidden',
  '010.0.0.1',
  '0x0a000001',
  '10.1',
  'fe80::1%eth0',
  '10.0.0.1:port',
  'x y',
);
const hops = fc.array(fc.oneof({ weight: 4, arbitrary: trustedAddresses }, otherAddresses, unreadable), {
  maxLength: 6,
});

/** The walk on a plain list. */
function model(peer: string, list: readonly string[]): string {
  let reached = peer;
  for (const hop of list.toReversed()) {
    if (
      !proxies.trusts(reached) ||
      !/^([0-9]+\.){3}[0-9]+$|^[0-9a-f]*:[0-9a-f:]*$/.test(hop) ||
      hop.startsWith('0')
    )
      break;
    reached = hop;
  }
  return reached;
}

const commas = fc.constantFrom(',', ', ', ' ,\t', ',,', ', ,');

function joined(separators: readonly string[], elements: readonly string[]): string {
  return elements
    .map((element, i) => (i === 0 ? '' : (separators[i % separators.length] ?? ',')) + element)
    .join('');
}

/** A right spelling of a Forwarded element for the hop, with other parameters around it. */
function forwardedElement(hop: string, style: number): string {
  const node = hop.includes(':') && !hop.includes('%') && !hop.includes('port') ? `[${hop}]` : hop;
  const bare = /^[\w.]+$/.test(node) && style % 2 === 0;
  const escaped = style % 3 === 0 ? node.replace(/[.:]/g, '\\$&') : node;
  const pair = `${style % 5 === 0 ? 'For' : 'for'}=${bare ? node : `"${escaped}"`}`;
  return (
    [pair, `proto=https;${pair};by="a,b;\\"c"`, `host="x\\\\";${pair}`, `${pair};by=_p`][style % 4] ?? pair
  );
}

describe('clientAddress', () => {
  it('walks X-Forwarded-For as a plain list', () => {
    fc.assert(
      fc.property(
        fc.oneof(trustedAddresses, otherAddresses),
        hops,
        fc.array(commas, { minLength: 1 }),
        (peer, list, separators) => {
          expect(proxies.clientAddress(peer, joined(separators, list), undefined)).toBe(model(peer, list));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('walks Forwarded as a plain list, however its elements are written', () => {
    fc.assert(
      fc.property(
        fc.oneof(trustedAddresses, otherAddresses),
        hops,
        fc.array(fc.nat(59), { minLength: 6, maxLength: 6 }),
        fc.array(commas, { minLength: 1 }),
        (peer, list, styles, separators) => {
          const elements = list.map((hop, i) => forwardedElement(hop, styles[i] ?? 0));
          expect(proxies.clientAddress(peer, undefined, joined(separators, elements))).toBe(
            model(peer, list),
          );
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('lets nothing a caller sends change what our proxy appended', () => {
    const sent = fc.oneof(
      fc.string({ unit: 'binary-ascii' }),
      fc
        .array(fc.constantFrom('for=', '"', '\\', ',', ';', '=', '10.0.0.1', ' ', '[', ']', 'x'))
        .map((parts) => parts.join('')),
    );
    const appended = fc.constantFrom(
      'for=192.0.2.9',
      'for="192.0.2.9:4711";proto=https',
      'by=_us;for="192.0.2.9"',
    );
    fc.assert(
      fc.property(sent, appended, (text, ours) => {
        expect(proxies.clientAddress('10.0.0.1', undefined, `${text}, ${ours}`)).toBe('192.0.2.9');
        expect(proxies.clientAddress('10.0.0.1', `${text}, 192.0.2.9`, text)).toBe('192.0.2.9');
        expect(proxies.clientAddress('192.0.2.9', text, text)).toBe('192.0.2.9');
      }),
      { numRuns: 2000 },
    );
  });

  it('always answers with an address, and only a trusted or a named one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), fc.string({ unit: 'binary-ascii' }), (a, b) => {
        expect(createTrustedProxies(['0.0.0.0/0', '::/0']).clientAddress('10.0.0.1', a, b)).toMatch(
          /^[0-9a-f.:]+$/,
        );
      }),
    );
  });

  it.each([
    ['for="[2001:db8::1]:8080"', '2001:db8::1'],
    ['for="[2001:DB8::1]"', '2001:db8::1'],
    ['For="[::ffff:192.0.2.1]"', '192.0.2.1'],
    ['for=192.0.2.43, for=198.51.100.17', '198.51.100.17'],
    ['for="192.0.2.43:47011"', '192.0.2.43'],
    ['for="192.0.2.43:_port"', '192.0.2.43'],
    ['for="192.0.2.\\4\\3"', '192.0.2.43'],
    ['for=192.0.2.43 ; proto=http', '192.0.2.43'],
    ['for=192.0.2.43;', '192.0.2.43'],
    ['for=192.0.2.43, for=unknown', '10.0.0.1'],
    ['for=192.0.2.43, for=_gazonk', '10.0.0.1'],
    ['for=192.0.2.43, proto=https', '10.0.0.1'],
    ['for=192.0.2.43;for=192.0.2.44', '10.0.0.1'],
    ['for=[2001:db8::1]', '10.0.0.1'],
    ['for="2001:db8::1"', '10.0.0.1'],
    ['for="[192.0.2.1]"', '10.0.0.1'],
    ['for=192.0.2.43:80', '10.0.0.1'],
    ['for="192.0.2.43:123456"', '10.0.0.1'],
    ['for=" 192.0.2.43"', '10.0.0.1'],
    ['for="192.0.2.43', '10.0.0.1'],
    ['for ="192.0.2.43"', '10.0.0.1'],
    ['192.0.2.43', '10.0.0.1'],
    ['', '10.0.0.1'],
  ])('Forwarded: %s → %s', (header, client) => {
    expect(proxies.clientAddress('10.0.0.1', undefined, header)).toBe(client);
  });

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1, 10.9.9.9', '192.0.2.1'],
    ['6.6.6.6, 192.0.2.1, 10.9.9.9', '192.0.2.1'],
    ['10.1.1.1, 10.2.2.2', '10.1.1.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:5555', '192.0.2.1'],
    ['[2001:db8::1]:5555', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['192.0.2.1,', '192.0.2.1'],
    ['192.0.2.01, 10.9.9.9', '10.9.9.9'],
    ['192.0.2.1 192.0.2.2', '10.0.0.1'],
    ['"192.0.2.1"', '10.0.0.1'],
  ])('X-Forwarded-For: %s → %s', (header, client) => {
    expect(proxies.clientAddress('10.0.0.1', header, undefined)).toBe(client);
  });

  it('reads X-Forwarded-For alone where both are there, unless it is blank', () => {
    expect(proxies.clientAddress('10.0.0.1', '192.0.2.1', 'for=192.0.2.2')).toBe('192.0.2.1');
    expect(proxies.clientAddress('10.0.0.1', 'unknown', 'for=192.0.2.2')).toBe('10.0.0.1');
    expect(proxies.clientAddress('10.0.0.1', ' , ', 'for=192.0.2.2')).toBe('192.0.2.2');
  });

  it('takes the zone from the socket alone', () => {
    expect(proxies.clientAddress('fe80::1%eth0', '192.0.2.1', undefined)).toBe('192.0.2.1');
    expect(proxies.clientAddress('10.0.0.1', 'fe80::1%eth0', undefined)).toBe('10.0.0.1');
  });

  it('returns a peer that is no address, and believes nothing it says', () => {
    expect(proxies.clientAddress('', '192.0.2.1', 'for=192.0.2.1')).toBe('');
    expect(proxies.trusts('')).toBe(false);
  });

  it('ends after 32 hops', () => {
    expect(proxies.clientAddress('10.0.0.1', `192.0.2.1${', 10.0.0.2'.repeat(31)}`, undefined)).toBe(
      '192.0.2.1',
    );
    expect(proxies.clientAddress('10.0.0.1', `192.0.2.1${', 10.0.0.2'.repeat(32)}`, undefined)).toBe(
      '10.0.0.2',
    );
  });

  it('is quick with a long hostile header', () => {
    const hostile = [
      'a'.concat(' '.repeat(16_000), 'b'),
      `for="${'\\'.repeat(16_000)}"`,
      `for=${'"\\'.repeat(8_000)}`,
      ','.repeat(16_000),
    ];
    const start = performance.now();
    for (const header of hostile) {
      for (let i = 0; i < 20; i += 1) {
        proxies.clientAddress('10.0.0.1', header, undefined);
        proxies.clientAddress('10.0.0.1', undefined, header);
      }
    }
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('createTrustedProxies', () => {
  it('trusts nobody when none is named', () => {
    expect(createTrustedProxies([]).clientAddress('127.0.0.1', '192.0.2.1', undefined)).toBe('127.0.0.1');
  });

  it('refuses what is no network', () => {
    expect(() => createTrustedProxies(['10.0.0.0/8', 'proxy.local'])).toThrow(RangeError);
  });
});
