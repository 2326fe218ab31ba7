import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { freePorts } from '../redis/ports.ts';
import { dockerfile, type Image, prepareImage, readDockerfile, startContainer } from './image.ts';
import { hadolint, hasHadolint, outcome, root } from './tools.ts';

describe('the Dockerfile', () => {
  it.skipIf(!hasHadolint())(
    'hadolint has nothing against it (skipped where it cannot be fetched: for Linux, from PyPI)',
    () => {
      expect(outcome(hadolint(), ['--no-color', dockerfile])).toMatchObject({ code: 0, output: '' });
      const bad = outcome(hadolint(), ['-'], { input: 'FROM node\nRUN cd /tmp && sudo ls\n' });
      expect(bad.code).not.toBe(0);
    },
  );

  it('copies only what .dockerignore lets through, and that is there', () => {
    const through = readFileSync(join(root, '.dockerignore'), 'utf8')
      .match(/^!.*/gm)!
      .map((line) => line.slice(1));
    const copied = [...readFileSync(dockerfile, 'utf8').matchAll(/^COPY (?!--)(.*) \S+$/gm)].flatMap(
      ([, names]) => names!.split(' '),
    );
    expect(new Set(copied)).toEqual(new Set(through));
    expect(readdirSync(root)).toEqual(expect.arrayContaining(through));
  });

  it('runs what it says as no root, with the version of Node that the project pins', () => {
    expect(readDockerfile()).toMatchObject({
      user: 10001,
      folder: '/etc/polymorph',
      volume: '/var/lib/polymorph',
      entrypoint: ['node', '/app/dist/main.js'],
      command: ['start', '--config', '/etc/polymorph/polymorph.yaml'],
    });
    const pinned = /^pinned_node=(.*)$/m.exec(readFileSync(join(root, 'scripts/setup.sh'), 'utf8'))![1];
    const bases = [...readFileSync(dockerfile, 'utf8').matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
    expect(new Set(bases)).toEqual(new Set([`node:${pinned}-trixie-slim`]));
  });
});

const canIsolate =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  outcome('unshare', ['--mount', '--pid', '--fork', 'true']).code === 0;

describe.skipIf(!canIsolate)(
  'what the Dockerfile builds, in a container made by hand (as root on Linux)',
  () => {
    let node: FakeUpstream;
    let image: Image;
    let port: number;
    let adminPort: number;
    const folder = (name: string) => join(image.folder, name);

    beforeAll(async () => {
      // An answer takes its time, so that a call can be under way.
      node = await startFakeUpstream({
        vice: { request: (x) => void setTimeout(() => x.send(x.http()), 700) },
      });
      image = prepareImage();
      [port, adminPort] = (await freePorts(2)) as [number, number];
      mkdirSync(folder('config'));
      const config = {
        server: { listen: `127.0.0.1:${port}`, workers: 1, state_dir: image.settings.volume },
        admin: { listen: `127.0.0.1:${adminPort}` },
        upstreams: [{ url: node.url }],
        health: { interval: '0' },
        limits: { default: 'none' },
      };
      writeFileSync(join(folder('config'), 'polymorph.yaml'), JSON.stringify(config));
    });
    afterAll(async () => {
      await node.close();
      rmSync(image.folder, { recursive: true, force: true });
    });

    it('serves as process 1 on a read-only file system, answers what is under way at SIGTERM, and keeps its state', async () => {
      await using container = await startContainer(image, folder('config'), folder('state'));
      const status = readFileSync(`/proc/${container.pid}/status`, 'utf8');
      expect(status).toMatch(/^NSpid:\s+\d+\s+1$/m);
      expect(status).toMatch(/^Uid:\s+10001\s+10001/m);
      expect(status).toMatch(/^Cap(?:Eff|Prm|Bnd):\s+0{16}$/m);
      expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
      for (const place of ['/app/x', '/etc/polymorph/x', '/tmp/x', '/usr/x'])
        expect(container.run('touch', place).output, place).toContain('Read-only file system');
      expect(container.run('touch', '/var/lib/polymorph/x').code).toBe(0);

      const [command, option, script = ''] = image.settings.healthcheck;
      const check = (at: number) =>
        container.run(command!, option!, script.replace(':9540/', `:${at}/`)).code;
      expect(script).toContain('http://127.0.0.1:9540/readyz');
      expect(check(adminPort)).toBe(0);
      expect(check(port)).toBe(1);
      expect(container.run('polymorph-is-not-there').code).not.toBe(0);
      expect(container.run('node', '/app/dist/main.js', 'check', 'polymorph.yaml').output).toContain(
        'is good',
      );

      const underWay = send(port, { body: callText('m') });
      await new Promise((resolve) => setTimeout(resolve, 200));
      process.kill(container.pid, 'SIGTERM');
      expect((await underWay).status).toBe(200);
      expect((await container.exited).code).toBe(0);
      expect(readdirSync(folder('state'))).toEqual(expect.arrayContaining(['journal', 'polymorph.db']));

      await using again = await startContainer(image, folder('config'), folder('state'));
      const usage = again.run('node', '/app/dist/main.js', 'usage');
      expect(usage.output).toMatch(/\b1\b/);
      process.kill(again.pid, 'SIGTERM');
      expect((await again.exited).code).toBe(0);
    });
  },
);
