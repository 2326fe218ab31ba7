import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dockerfile, readDockerfile } from './image.ts';
import { ensureTools, outcome, root } from './tools.ts';

const long = process.env['POLYMORPH_TEST_LONG'] === '1';

/**
 * The Dockerfile, all stages as they stand, by buildah. Its base comes from a registry of images; in its place is a Debian by debootstrap with the
 * Node that runs this and the machine's npm.
 */
describe.skipIf(!long || process.getuid?.() !== 0)(
  'the image, built (npm run test:long, as root on Debian)',
  () => {
    it('is what the Dockerfile says, and its program runs', () => {
      ensureTools('buildah', 'debootstrap');
      const folder = mkdtempSync(join(tmpdir(), 'polymorph-built-'));
      const run = (program: string, ...args: string[]): string => {
        const { code, output, stdout } = outcome(program, args, {
          env: { ...process.env, STORAGE_DRIVER: 'overlay', BUILDAH_ISOLATION: 'chroot' },
        });
        if (code !== 0) throw new Error(`${program} ${args.join(' ')}:\n${output}`);
        return stdout.trim();
      };
      const buildah = (...args: string[]) =>
        run('buildah', '--root', join(folder, 'images'), '--runroot', join(folder, 'run'), ...args);
      try {
        const suite = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))![1]!;
        const debian = join(folder, 'debian');
        run('debootstrap', '--variant=minbase', '--include=libatomic1,ca-certificates', suite, debian);
        const base = buildah('from', 'scratch');
        const npm = dirname(dirname(realpathSync(run('sh', '-c', 'command -v npm'))));
        buildah('copy', '--quiet', base, debian, '/');
        buildah('copy', '--quiet', base, process.execPath, '/usr/local/bin/node');
        buildah('copy', '--quiet', base, npm, '/usr/local/lib/node_modules/npm');
        buildah(
          'run',
          base,
          '--',
          'ln',
          '-s',
          '../lib/node_modules/npm/bin/npm-cli.js',
          '/usr/local/bin/npm',
        );
        buildah('config', '--env', 'PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', base);
        // A machine may trust more than Debian does, and needs it to reach a registry.
        const trusted = process.env['NODE_EXTRA_CA_CERTS'];
        if (trusted !== undefined) {
          buildah('copy', '--quiet', base, trusted, '/etc/ssl/trusted.pem');
          buildah('config', '--env', 'NODE_EXTRA_CA_CERTS=/etc/ssl/trusted.pem', base);
        }
        const [, name = ''] = /^FROM (\S+)/m.exec(readFileSync(dockerfile, 'utf8'))!;
        buildah('commit', '--quiet', base, `docker.io/library/${name}`);
        buildah(
          'bud',
          '--pull-never',
          '--format=docker',
          `--file=${dockerfile}`,
          '--tag=polymorph-proxy:test',
          root,
        );

        const { Docker } = JSON.parse(buildah('inspect', '--type=image', 'localhost/polymorph-proxy:test'));
        const { entrypoint, command, healthcheck, folder: place, volume } = readDockerfile();
        expect(Docker.config).toMatchObject({
          ...{ User: '10001:10001', Entrypoint: entrypoint, Cmd: command, WorkingDir: place },
          ...{ Volumes: { [volume]: {} }, Healthcheck: { Test: ['CMD', ...healthcheck] } },
        });
        const image = buildah('from', '--pull-never', 'localhost/polymorph-proxy:test');
        const inside = (script: string) => buildah('run', image, '--', 'sh', '-c', script);
        expect(inside('id -u')).toBe('10001');
        const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
        expect(inside('polymorph --version')).toBe(version);
        const config = 'upstreams: [{ url: http://127.0.0.1:8545 }]';
        expect(
          inside(`echo '${config}' >/var/lib/polymorph/a.yaml && polymorph check /var/lib/polymorph/a.yaml`),
        ).toContain('is good');
        // Nothing of the build is in it.
        expect(inside('ls /app')).toBe('LICENSE\ndist\nnode_modules\npackage.json');
        expect(inside('ls /app/node_modules')).not.toMatch(/^(?:typescript|vitest)$/m);
      } finally {
        outcome('umount', ['--recursive', join(folder, 'images/overlay')]);
        rmSync(folder, { recursive: true, force: true });
      }
    });
  },
);
