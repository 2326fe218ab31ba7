import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { beforeEach, expect, it } from 'vitest';
import { createQuery, createResolve, type ResolvedAddress } from './resolve.ts';

const v4 = (address: string): ResolvedAddress => ({ address, family: 4 });
const coded = (code: string): Error => Object.assign(new Error(code), { code });

let hosts: string;
let queries: string[];
let systems: PromiseWithResolvers<ResolvedAddress[]>[];
let answer: () => Promise<ResolvedAddress[]>;
beforeEach(() => {
  [hosts, queries, systems] = ['', [], []];
  answer = async () => [v4('192.0.2.1')];
});

const start = () =>
  createResolve({
    hosts: async () => hosts,
    query(name) {
      queries.push(name);
      return answer();
    },
    system() {
      systems.push(Promise.withResolvers());
      return systems.at(-1)!.promise;
    },
  });
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

it('knows localhost, and what the hosts file names, without asking anybody', async () => {
  hosts = '# all\n192.0.2.7 other Hooks.example # mine\n2001:db8::7\thooks.example\nnonsense hooks.example\n';
  const resolve = start();
  expect(await resolve('localhost')).toEqual([v4('127.0.0.1'), { address: '::1', family: 6 }]);
  expect(await resolve('HOOKS.example')).toEqual([v4('192.0.2.7'), { address: '2001:db8::7', family: 6 }]);
  expect(await resolve('mine.example')).toEqual([v4('192.0.2.1')]);
  expect(queries).toEqual(['mine.example']);
});

it('asks once for a name that many want, and anew after the answer', async () => {
  const held = Promise.withResolvers<ResolvedAddress[]>();
  answer = () => held.promise;
  const resolve = start();
  const all = Promise.all(Array.from({ length: 8 }, () => resolve('hooks.example')));
  await settled();
  held.resolve([v4('192.0.2.1')]);
  expect(await all).toEqual(Array.from({ length: 8 }, () => [v4('192.0.2.1')]));
  expect(queries).toHaveLength(1);
  await resolve('hooks.example');
  expect(queries).toHaveLength(2);
});

it('asks the system for what name servers do not know, one name at a time', async () => {
  answer = () => Promise.reject(coded('ENOTFOUND'));
  const resolve = start();
  const all = Promise.allSettled(['hooks', 'a.cluster', 'b.cluster'].map(resolve));
  await settled();
  expect(queries).toEqual(['a.cluster', 'b.cluster']);
  expect(systems).toHaveLength(1);
  systems[0]!.reject(coded('EAI_AGAIN'));
  await settled();
  expect(systems).toHaveLength(2);
  systems[1]!.resolve([v4('192.0.2.2')]);
  await settled();
  systems[2]!.resolve([v4('192.0.2.3')]);
  expect((await all).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
});

it('gives a silent name server its time, and the system’s threads no work', async () => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  await once(silent, 'listening');
  const query = createQuery({ timeout: 100, tries: 1, servers: [`127.0.0.1:${silent.address().port}`] });
  const never = () => Promise.reject(new Error('asked'));
  const resolve = createResolve({ hosts: async () => '', query, system: never });
  await expect(resolve('hooks.example')).rejects.toMatchObject({
    code: 'connect',
    message: 'hooks.example has no address: no name server answers (ETIMEOUT)',
  });
  silent.close();
});
