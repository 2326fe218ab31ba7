import { expect, it } from 'vitest';
import { formatAddress, parseCidr } from '../../identity/index.ts';
import { lockOut } from './lock-out.ts';

const dear = {
  peer: '198.51.100.20',
  from: ['203.0.113.4', 'no address'],
  trustedProxies: ['10.0.0.0/8'],
  isAllowed: () => false,
};
const asked = (text: string, over: Partial<Parameters<typeof lockOut>[1]> = {}) =>
  lockOut(parseCidr(text)!, { ...dear, ...over });

it.each([
  ['0.0.0.0/0', /every address of its kind/],
  ['::/0', /every address of its kind/],
  ['127.0.0.1', /loopback/],
  ['0.0.0.0/1', /loopback/],
  ['::/64', /loopback/],
  ['10.2.3.4', /trusted proxy 10\.0\.0\.0\/8/],
  ['8.0.0.0/5', /trusted proxy/],
  ['198.51.100.0/24', /198\.51\.100\.20, from where you ask/],
  ['203.0.113.4', /203\.0\.113\.4, from where you ask/],
])('%s is asked about', (network, why) => {
  expect(asked(network)).toMatch(why);
});

it('nothing else is, nor who is on the allow-list', () => {
  expect(asked('198.51.100.21')).toBeUndefined();
  expect(asked('2001:db8::/32')).toBeUndefined();
  const isAllowed = (address: Parameters<typeof formatAddress>[0]) =>
    formatAddress(address) === '198.51.100.20';
  expect(asked('198.51.100.0/24', { isAllowed })).toBeUndefined();
});

it('knows a peer by another spelling, and a link-local one without its zone', () => {
  expect(asked('198.51.100.20', { peer: '::ffff:198.51.100.20' })).toMatch(/from where you ask/);
  expect(asked('fe80::/10', { peer: 'fe80::1%eth0' })).toMatch(/fe80::1, from where you ask/);
  expect(asked('198.51.100.20', { peer: undefined })).toBeUndefined();
});
