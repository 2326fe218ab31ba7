import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { configKeyId, uuidText } from '../identity/index.ts';
import { noKey, usageStatuses } from '../usage/index.ts';
import { recordsIn } from '../usage/testing/journals.ts';
import { callText, notificationText } from './testing/client.ts';
import { bucketOf, closeGateways, startTestGateway, type TestGateway } from './testing/gateway.ts';
import { connectSocket } from './testing/socket.ts';
import { until } from './testing/until.ts';

const folders: string[] = [];
afterEach(async () => {
  await closeGateways();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

const key = 'k'.repeat(32);
const keys = [{ name: 'acme', key }];
const withKey = { headers: { 'x-api-key': key } };
const acme = uuidText(configKeyId('acme'));

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-journal-'));
  folders.push(folder);
  return folder;
}

async function start(config: object = {}): Promise<TestGateway & { usage(): Record<string, number[]> }> {
  const folder = join(newFolder(), 'journal');
  const gateway = await startTestGateway(
    { limits: { default: 'none' }, methods: { costs: { eth_getLogs: 10 } }, keys, ...config },
    { journal: { folder, run: 'run' } },
  );
  return {
    ...gateway,
    /** Calls, cost and bytes by key, network, method and status; events apart. */
    usage() {
      const sums: Record<string, number[]> = {};
      for (const record of recordsIn(folder)) {
        const { keyId, network, method, status, event, calls, cost, bytesIn, bytesOut } = record;
        const who = keyId === acme ? 'acme' : keyId === noKey ? '-' : keyId;
        const name = [who, network, method, usageStatuses[status], ...(event ? ['event'] : [])].join(' ');
        const counts = [calls, cost, bytesIn, bytesOut];
        sums[name] = counts.map((count, k) => count + (sums[name]?.[k] ?? 0));
      }
      return sums;
    },
  };
}

describe('the usage journal', () => {
  it('has each answered call when its answer arrives: alone, in batches, notifications, with a key and without', async () => {
    const gateway = await start();
    const body = callText('eth_call');
    const first = await gateway.call('eth_call');
    expect(gateway.usage()).toEqual({
      '- default eth_call allowed': [1, 1, body.length, first.body.length],
    });
    const [a, b] = [callText('eth_getLogs', '1'), callText('eth_call', '22')];
    const batch = await gateway.send({ ...withKey, body: `[${a},${b}, ${notificationText('eth_call')}]` });
    const answers = batch.body.slice(1, -1).split(/,(?=\{"jsonrpc)/);
    expect(gateway.usage()).toEqual({
      '- default eth_call allowed': [1, 1, body.length, first.body.length],
      'acme default eth_getLogs allowed': [1, 10, a.length, answers[0]!.length],
      'acme default eth_call allowed': [
        ...[2, 2, b.length + notificationText('eth_call').length],
        answers[1]!.length,
      ],
    });
  });

  it('has what limits and quotas refused once, at no cost, and nothing else that was refused', async () => {
    const gateway = await start({
      keys: [{ ...keys[0], quota: { requests: 2, period: 'day' } }],
      limits: { default: bucketOf(3) },
      methods: { blocked: ['admin_*'] },
    });
    for (let k = 0; k < 5; k++) await gateway.call('eth_call');
    for (let k = 0; k < 3; k++) await gateway.call('eth_chainId', withKey);
    await gateway.call('admin_peers', withKey);
    await gateway.call('eth_call', { headers: { 'x-api-key': 'u'.repeat(32) } });
    await gateway.send({ body: '{' });
    const calls = Object.entries(gateway.usage()).map(([name, [count, cost]]) => [name, count, cost]);
    expect(calls).toEqual([
      ['- default eth_call allowed', 3, 3],
      ['- default eth_call exceeded', 2, 0],
      ['acme default eth_chainId allowed', 2, 2],
      ['acme default eth_chainId exceeded', 1, 0],
    ]);
  });

  it('has calls, events and refusals of WebSockets', async () => {
    const gateway = await start({ limits: { default: bucketOf(3) }, methods: {} });
    const socket = await connectSocket(gateway.port, withKey);
    await socket.ask(callText('eth_subscribe', '1', '["newHeads"]'));
    await socket.ask(callText('eth_call', '2'));
    for (let k = 0; k < 3; k++) gateway.hub.event(1, '{"number":"0x1"}');
    const events = await socket.take(3);
    const length = events.reduce((sum, { text }) => sum + text.length, 0);
    await socket.ask(callText('eth_call', '3'));
    await socket.ask(callText('eth_call', '4'));
    const { 'acme default eth_subscription allowed event': counted, ...rest } = gateway.usage();
    expect(counted).toEqual([3, 3, 0, length]);
    expect(Object.entries(rest).map(([name, [count, cost]]) => [name, count, cost])).toEqual([
      ['acme default eth_subscribe allowed', 1, 1],
      ['acme default eth_call allowed', 2, 2],
      ['acme default eth_call exceeded', 1, 0],
    ]);
  });

  it('names networks, and no key that was put in place of a method, nor all names that callers make up', async () => {
    const gateway = await start({
      upstreams: undefined,
      networks: { main: { path: '/main' }, side: { path: '/side' } },
    });
    await gateway.call('eth_call', { path: '/side' });
    await gateway.call(key, { path: '/main' });
    const madeUp = Array.from({ length: 1500 }, (_, k) => callText(`x_${k}`, String(k)));
    for (let k = 0; k < madeUp.length; k += 100)
      await gateway.send({ path: '/main', body: `[${madeUp.slice(k, k + 100).join()}]` });
    const usage = gateway.usage();
    expect(usage['- side eth_call allowed']?.[0]).toBe(1);
    expect(usage['- main [redacted] allowed']?.[0]).toBe(1);
    expect(usage['- main x_999 allowed']?.[0]).toBe(1);
    expect(usage['- main (other) allowed']?.[0]).toBe(500);
    expect(Object.keys(usage).length).toBe(1003);
    expect(JSON.stringify(usage)).not.toContain(key);
  });

  it('is whole after a drain', async () => {
    const gateway = await start();
    await Promise.all(Array.from({ length: 50 }, () => gateway.call()));
    await gateway.drain(1000);
    expect(gateway.usage()['- default eth_call allowed']?.[0]).toBe(50);
  });
});

describe('a journal that cannot be written', () => {
  /** A file stands in the place of its folder, until `mend`. */
  async function startBroken(whenFull: 'refuse' | 'serve_unmetered') {
    const place = join(newFolder(), 'journal');
    writeFileSync(place, '');
    const gateway = await startTestGateway(
      { limits: { default: bucketOf(5) }, usage: { when_full: whenFull } },
      { journal: { folder: place, run: 'run' } },
    );
    const told = () => gateway.told.flatMap((message) => (message.type === 'journal' ? [message.full] : []));
    const calls = () => recordsIn(place).reduce((sum, record) => sum + record.calls, 0);
    return { gateway, told, calls, mend: () => rmSync(place) };
  }

  it('makes all calls be refused before anything is forwarded or taken, and tells main; it goes on by itself', async () => {
    const { gateway, told, calls, mend } = await startBroken('refuse');
    expect(told()).toEqual([true]);
    for (let k = 0; k < 10; k++) {
      const { status, json, headers } = await gateway.call();
      expect([status, json.error.code, headers['retry-after']]).toEqual([503, -32603, '01']);
      expect(json.error.data.docs).toBe('docs/errors.md#unmetered');
    }
    const batch = await gateway.send({ body: `[${callText()},${callText()}]` });
    expect(batch.status).toBe(503);
    expect(gateway.node.calls).toEqual([]);
    const socket = await connectSocket(gateway.port);
    expect((await socket.ask(callText())).json.error.message).toBe('Usage cannot be recorded');
    mend();
    await until(() => told().length === 2);
    for (let k = 0; k < 5; k++) expect((await gateway.call()).status).toBe(200);
    expect(calls()).toBe(5);
    expect(gateway.counted('shed')).toBe(13);
  });

  it('closes sockets rather than deliver an event that is not counted', async () => {
    const { gateway } = await startBroken('refuse');
    gateway.apply({ usage: { when_full: 'serve_unmetered' } });
    const socket = await connectSocket(gateway.port);
    await socket.ask(callText('eth_subscribe', '1', '["newHeads"]'));
    gateway.apply({ usage: { when_full: 'refuse' } });
    // A socket goes on under the policy it knows until it next speaks.
    await socket.ask(callText());
    gateway.hub.event(1, '{"number":"0x1"}');
    expect(await socket.closed).toEqual({ code: 1013, reason: 'usage cannot be recorded' });
  });

  it('serves all the same where it may, and counts what is lost', async () => {
    const { gateway, told, calls, mend } = await startBroken('serve_unmetered');
    for (let k = 0; k < 3; k++) expect((await gateway.call()).status).toBe(200);
    await until(() => gateway.counter('usageLost') === 3);
    mend();
    await until(() => told().length === 2);
    for (let k = 0; k < 2; k++) await gateway.call();
    expect([calls(), gateway.counter('usageLost')]).toEqual([2, 3]);
  });
});
