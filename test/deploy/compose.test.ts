import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { mainFile, ownEnvironment } from '../program.ts';
import { hasPrometheus, promtool } from '../stats/prometheus.ts';
import { ensureTools, outcome, root } from './tools.ts';

const folder = join(root, 'deploy/compose');
const file = join(folder, 'compose.yaml');
const secrets = {
  ADMIN_TOKEN: 'token-of-the-compose-test',
  POSTGRES_PASSWORD: 'secret-of-postgres',
  REDIS_PASSWORD: 'secret-of-redis',
  GRAFANA_PASSWORD: 'secret-of-grafana',
  NODE_URL: 'http://node.example:8545',
};

function has(...programs: string[]): boolean {
  try {
    ensureTools(...programs);
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!has('docker-compose'))(
  'the compose file (skipped where Debian’s docker-compose cannot be installed)',
  () => {
    const config = (env: Record<string, string>) =>
      outcome('docker-compose', ['--file', file, 'config'], { env: { PATH: process.env['PATH'], ...env } });
    let known: { services: Record<string, any> } | undefined;
    const composed = () => (known ??= parse(config(secrets).stdout) as typeof known & {});

    it('is what docker-compose takes', () => {
      const { code, output } = config(secrets);
      expect(code, output).toBe(0);
      expect(Object.keys(composed().services).toSorted()).toEqual([
        ...['balancer', 'grafana', 'postgres', 'prometheus', 'proxy-1', 'proxy-2', 'redis'],
      ]);
    });

    it.each(Object.keys(secrets))('asks for %s, and has no secret of its own', (name) => {
      const { [name]: _, ...rest } = secrets as Record<string, string>;
      const { code, output } = config(rest);
      expect(code).not.toBe(0);
      expect(output).toContain(name);
      const example = readFileSync(join(folder, '.env.example'), 'utf8');
      expect(example).toMatch(new RegExp(`^${name}=${name === 'NODE_URL' ? '.+' : ''}$`, 'm'));
    });

    it('starts again by itself, is looked after, and of versions that are named', () => {
      for (const [name, service] of Object.entries(composed().services)) {
        expect(service.restart, name).toBe('unless-stopped');
        expect(service.image, name).toMatch(/:v?\d[\w.-]*$/);
        expect(service.security_opt, name).toContain('no-new-privileges:true');
        // That of the gateways is the image's.
        expect(service.healthcheck !== undefined, name).toBe(!name.startsWith('proxy-'));
        for (const port of service.ports ?? []) expect(JSON.stringify(port)).toContain('127.0.0.1:');
      }
    });

    it('the gateways are fenced in, each with a state of its own, and have time to drain', () => {
      const { services } = composed();
      const states = ['proxy-1', 'proxy-2'].map((name) => {
        const service = services[name];
        expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
        expect(service.ulimits.nofile).toBe(65_536);
        expect(service).not.toHaveProperty('ports');
        return JSON.stringify(service.volumes);
      });
      expect(states[0]).toContain('state-1');
      expect(states[1]).toContain('state-2');
      const { server } = parse(readFileSync(join(folder, 'config/polymorph.yaml'), 'utf8'));
      expect(services['proxy-1'].stop_grace_period).toBe('45s');
      expect(server.drain_timeout).toBe('30s');
    });

    it('everything that it brings into a container is there', () => {
      const sources = [...readFileSync(file, 'utf8').matchAll(/['\s](\.\.?\/[^:'\s]+):\//g)].map(
        ([, path]) => path!,
      );
      expect(sources.length).toBeGreaterThanOrEqual(8);
      expect(outcome('ls', sources, { cwd: folder })).toMatchObject({ code: 0 });
    });
  },
);

describe('what the containers are told', () => {
  it('polymorph check accepts the config as it is', () => {
    const { code, output } = outcome(
      process.execPath,
      [mainFile, 'check', join(folder, 'config/polymorph.yaml')],
      {
        env: { ...ownEnvironment(), ...secrets },
      },
    );
    expect(code, output).toBe(0);
  });

  it.skipIf(!hasPrometheus())('promtool accepts Prometheus’s (skipped where it cannot be installed)', () => {
    expect(
      promtool(['check', 'config', '--syntax-only', join(folder, 'prometheus.yml')]).slice(0, 2),
    ).not.toMatch(/^[1-9]:/);
    const { scrape_configs, rule_files } = parse(readFileSync(join(folder, 'prometheus.yml'), 'utf8'));
    expect(scrape_configs[0].job_name).toBe('polymorph');
    expect(readFileSync(file, 'utf8')).toContain(`../prometheus-rules.yaml:${rule_files[0]}:ro`);
  });

  it.skipIf(!has('haproxy'))('haproxy accepts the balancer’s (skipped where it cannot be installed)', () => {
    const { code, output } = outcome('haproxy', ['-c', '-f', join(folder, 'haproxy.cfg')]);
    expect(code, output).toBe(0);
    // Names of containers lead nowhere here; nothing else is said against it.
    const warnings = output.match(/\[(?:WARNING|ALERT)\].*/g) ?? [];
    expect(warnings.filter((line) => !/could not resolve address 'proxy-\d'/.test(line))).toEqual([]);
  });

  it('Grafana finds Prometheus and the dashboard where they are', () => {
    const composed = readFileSync(file, 'utf8');
    const { datasources } = parse(readFileSync(join(folder, 'grafana/datasource.yaml'), 'utf8'));
    expect(datasources).toEqual([
      expect.objectContaining({ type: 'prometheus', url: 'http://prometheus:9090' }),
    ]);
    const { providers } = parse(readFileSync(join(folder, 'grafana/dashboards.yaml'), 'utf8'));
    expect(composed).toContain(`../grafana-dashboard.json:${providers[0].options.path}/polymorph.json:ro`);
  });
});
