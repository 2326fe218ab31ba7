import { afterEach, expect, it, test } from 'vitest';
import { callAt, rowName, upstreamAt } from '../../metrics/index.ts';
import { callText, notificationText } from '../testing/client.ts';
import { bucketOf, closeGateways, startTestGateway, type TestGateway } from '../testing/gateway.ts';
import { createMethodLabels } from './method-labels.ts';

afterEach(closeGateways);

const acme = 'acme-key-of-twenty-two-characters';
const bravo = 'bravo-key-of-twenty-two-characters';

function methodOf(gateway: TestGateway, method: string, network = 'default') {
  const numbers = gateway.figures.methods.find(rowName(network, method));
  return (column: keyof typeof callAt) => numbers?.[callAt[column]] ?? 0;
}

function keysOf({ figures }: TestGateway): number[] {
  const calls: number[] = [];
  figures.keys.each(({ numbers }) => calls.push(numbers[callAt.allowed]!));
  return calls.toSorted((a, b) => a - b);
}

test('each call is counted once, by what was decided, its method and its caller', async () => {
  const gateway = await startTestGateway({
    limits: { default: 'none', methods: { eth_getLogs: bucketOf(3, 2) } },
    methods: { blocked: ['admin_*'], costs: { eth_call: 5 } },
    keys: [{ name: 'acme', key: acme }],
  });
  const as = (key: string) => ({ headers: { 'x-api-key': key } });
  for (let k = 0; k < 5; k++) await gateway.call('eth_getLogs', as(acme));
  await gateway.call('admin_peers', as(acme));
  await gateway.call('eth_call');
  await gateway.call('eth_call', as(bravo));
  await gateway.send({ body: `[${callText('eth_call')},${notificationText('eth_call')},7]` });

  const logs = methodOf(gateway, 'eth_getLogs');
  expect([logs('allowed'), logs('burst'), logs('exceeded'), logs('cost')]).toEqual([1, 2, 2, 3]);
  expect(methodOf(gateway, 'admin_*')('blocked')).toBe(1);
  const calls = methodOf(gateway, 'eth_call');
  expect([calls('allowed'), calls('unauthorized'), calls('cost')]).toEqual([3, 1, 15]);
  expect(methodOf(gateway, 'other')('invalid')).toBe(1);
  expect(keysOf(gateway)).toEqual([1]);
  const [address] = gateway.figures.addresses().addresses;
  expect(address).toMatchObject({ address: '127.0.0.1', missed: 0 });
  expect(address!.numbers[callAt.allowed]).toBe(3);
  expect(address!.numbers[callAt.unauthorized]).toBe(1);
});

test('a failed call was let in, costs nothing and is not answered', async () => {
  const gateway = await startTestGateway({}, { vice: { request: (x) => x.socket.destroy() } });
  await gateway.call('eth_call');
  const calls = methodOf(gateway, 'eth_call');
  expect([calls('allowed'), calls('failed'), calls('cost')]).toEqual([1, 1, 0]);
});

it('keeps keys apart by their id: a number that goes to another key brings no counts along', async () => {
  const config = (name: string, key: string) => ({ limits: { default: 'none' }, keys: [{ name, key }] });
  const gateway = await startTestGateway(config('acme', acme));
  for (let k = 0; k < 3; k++) await gateway.call('eth_call', { headers: { 'x-api-key': acme } });
  gateway.apply(config('bravo', bravo));
  for (let k = 0; k < 5; k++) await gateway.call('eth_call', { headers: { 'x-api-key': bravo } });
  expect(keysOf(gateway)).toEqual([3, 5]);
  // What was counted before the reload is in the same row.
  expect(methodOf(gateway, 'eth_call')('allowed')).toBe(8);
});

test('where an answer came from, and how long it took where', async () => {
  const gateway = await startTestGateway({ limits: { default: 'none' }, kind: 'ethereum' });
  for (let k = 0; k < 3; k++) await gateway.call('eth_chainId');
  const calls = methodOf(gateway, 'eth_chainId');
  const { cacheHits } = gateway.figures.totals().counters;
  expect(calls('cached')).toBe(cacheHits);
  expect(calls('allowed')).toBe(3);
  expect(calls('totalMicros')).toBeGreaterThan(0);
  gateway.figures.upstreams.each(({ numbers }) => {
    expect(numbers[upstreamAt.micros]!).toBeGreaterThan(0);
  });
});

test('rules in shadow mode are counted by name', async () => {
  const gateway = await startTestGateway({
    limits: { default: 'none', methods: { eth_call: { ...bucketOf(2), mode: 'shadow' } } },
  });
  for (let k = 0; k < 5; k++) await gateway.call('eth_call');
  expect(gateway.figures.shadows.find('method:eth_call')![0]).toBe(3);
});

test('labels of methods are few, whatever callers and the config say', () => {
  const groups = [{ name: 'many', patterns: Array.from({ length: 500 }, (_, n) => `acme_m${n}`) }];
  const labels = createMethodLabels({
    methods: { groups, costs: [], blocked: [] } as never,
    defaults: { methods: [], groups: [], all: [] },
  });
  expect([labels.labelOf('acme_m1'), labels.labelOf('acme_m499'), labels.labelOf('eth_call')]).toEqual([
    'acme_m1',
    'other',
    'eth_call',
  ]);
  for (const name of ['other', '__proto__', 'eth_nothing', '']) expect(labels.labelOf(name)).toBe('other');
});
