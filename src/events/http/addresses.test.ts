import { isIP } from 'node:net';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { isPublicAddress } from './addresses.ts';

/** Spellings of places that no webhook may be sent to, as `new URL` takes them. */
const refusedHosts = [
  // Loopback
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '017700000001',
  '127.255.255.254',
  '0x7f.1',
  '127.0.0.1.',
  '１２７.0.0.1',
  '127。0。0。1',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::0001]',
  '[0000:0000::1]',
  // «This» network and unspecified
  '0.0.0.0',
  '0',
  '0x0',
  '0.1.2.3',
  '[::]',
  '[0::0]',
  // Private
  '10.0.0.1',
  '10.255.255.255',
  '0xa000001',
  '012.0.0.1',
  '172.16.0.1',
  '172.31.255.254',
  '192.168.0.1',
  '192.168.1.254',
  '0xc0a80001',
  '3232235521',
  '0300.0250.0.1',
  // Carrier-grade NAT, link-local, metadata services
  '100.64.0.1',
  '100.127.255.254',
  '100.100.100.200',
  '169.254.0.1',
  '169.254.169.254',
  '2852039166',
  '0xa9fea9fe',
  '0251.0376.0251.0376',
  '192.0.0.192',
  '168.63.129.16',
  '[fe80::1]',
  '[febf::1]',
  '[fd00:ec2::254]',
  '[fc00::1]',
  '[fdff:ffff::1]',
  '[fec0::1]',
  // Multicast, broadcast, reserved, documentation, benchmarks
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '198.18.0.1',
  '198.19.255.254',
  '192.0.2.1',
  '198.51.100.1',
  '203.0.113.1',
  '192.88.99.1',
  '[ff02::1]',
  '[ff0e::1]',
  '[2001:db8::1]',
  '[3fff::1]',
  '[2001:2::1]',
  '[2001:10::1]',
  '[100::1]',
  '[5f00::1]',
  // IPv4 within IPv6: mapped, compatible, NAT64, 6to4, Teredo, ISATAP
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:ffff:10.0.0.1]',
  '[::ffff:169.254.169.254]',
  '[::ffff:c0a8:1]',
  '[::127.0.0.1]',
  '[::a00:1]',
  '[64:ff9b::127.0.0.1]',
  '[64:ff9b::a9fe:a9fe]',
  '[64:ff9b::10.0.0.1]',
  '[64:ff9b:1::1]',
  '[2002:7f00:1::]',
  '[2002:a00:1::1]',
  '[2002:c0a8:101::1]',
  '[2002:a9fe:a9fe::]',
  '[2001:0:4136:e378:8000:63bf:3fff:fdd2]',
  '[2600::5efe:10.0.0.1]',
  '[2600::200:5efe:192.168.0.1]',
];

const publicHosts = [
  ...['1.1.1.1', '8.8.8.8', '100.63.255.255', '100.128.0.0', '172.15.255.255', '172.32.0.0', '11.0.0.0'],
  ...['169.253.255.255', '192.167.255.255', '198.17.255.255', '223.255.255.255', '168.63.129.17'],
  ...['[2606:4700:4700::1111]', '[2a00:1450:4001:800::200e]', '[2001:4860:4860::8888]'],
  ...['[::ffff:8.8.8.8]', '[64:ff9b::8.8.8.8]', '[2002:808:808::1]', '[2600::5efe:8.8.8.8]'],
];

const bare = (host: string): string => new URL(`http://${host}/`).hostname.replace(/^\[|\]$/g, '');

describe('isPublicAddress', () => {
  it('has at least sixty spellings that are refused', () => {
    expect(new Set(refusedHosts).size).toBeGreaterThanOrEqual(60);
  });

  it.each(refusedHosts)('%s is not', (host) => {
    expect(isPublicAddress(bare(host).replace(/\.$/, ''))).toBe(false);
  });

  it.each(publicHosts)('%s is', (host) => {
    expect(isIP(bare(host))).not.toBe(0);
    expect(isPublicAddress(bare(host))).toBe(true);
  });

  it.each(['', 'localhost', 'example.com', '1.2.3', '[::1]', '1.2.3.4/8', '::1%lo0', 'fe80::1%eth0'])(
    '%j is no address of the public internet',
    (text) => {
      expect(isPublicAddress(text)).toBe(false);
    },
  );

  it('property: takes no IPv4 that ipaddr.js knows as anything but unicast', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        if (ipaddr.IPv4.parse(text).range() !== 'unicast') expect(isPublicAddress(text)).toBe(false);
      }),
      { numRuns: 5000 },
    );
  });

  it('property: takes no IPv6 that ipaddr.js knows as anything but unicast, or a way to IPv4', () => {
    const ways = new Set(['unicast', 'ipv4Mapped', 'rfc6052', '6to4']);
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        if (!ways.has(ipaddr.IPv6.parse(text).range())) expect(isPublicAddress(text)).toBe(false);
      }),
      { numRuns: 5000 },
    );
  });

  it('property: IPv4 within IPv6 is what the IPv4 is', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        for (const head of ['::ffff:', '64:ff9b::'])
          expect(isPublicAddress(head + text)).toBe(isPublicAddress(text));
      }),
    );
  });
});
