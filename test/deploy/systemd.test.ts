import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { freePorts } from '../redis/ports.ts';
import { eventually } from '../store/gateway.ts';
import { boot, type BootedMachine, canBoot } from './booted.ts';
import { ensureTools, outcome, root } from './tools.ts';

const unit = join(root, 'deploy/systemd/polymorph.service');

function hasSystemd(): boolean {
  try {
    ensureTools('systemd-analyze');
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!hasSystemd())('the unit (skipped where Debian’s systemd cannot be installed)', () => {
  it('systemd-analyze verify has nothing against it', () => {
    const args = ['verify', '--man=no', unit];
    expect(outcome('systemd-analyze', args)).toMatchObject({ code: 0, output: '' });
  });

  it('is exposed by no more than 1.5 of 10', () => {
    const args = ['security', '--offline=true', '--no-pager', '--threshold=15', unit];
    const { code, output } = outcome('systemd-analyze', args);
    expect(code, output).toBe(0);
    expect(outcome('systemd-analyze', args.with(3, '--threshold=5')).code).not.toBe(0);
  });
});

describe.skipIf(!canBoot())(
  'the unit under a real systemd (as root, with Debian’s systemd-container)',
  () => {
    let node: FakeUpstream;
    let machine: BootedMachine;
    let port: number;
    let admin: string;
    const key = 'key-of-the-unit-test-000001';
    const config = (requests: number) =>
      JSON.stringify({
        server: { listen: `127.0.0.1:${port}`, workers: 1, state_dir: '/var/lib/polymorph' },
        admin: { listen: admin },
        upstreams: [{ url: node.url }],
        limits: { default: { requests, period: '1s' } },
        keys: [{ name: 'acme', key: '${ACME_KEY}' }],
      });
    const ready = async () => (await fetch(`http://${admin}/readyz`)).status === 200;
    const call = async () =>
      (await send(port, { headers: { 'x-api-key': key }, body: callText('m') })).status;

    beforeAll(async () => {
      node = await startFakeUpstream();
      const [one, two] = await freePorts(2);
      port = one!;
      admin = `127.0.0.1:${two}`;
      machine = await boot(unit, { 'polymorph.yaml': config(1000), environment: `ACME_KEY=${key}\n` });
      await eventually(ready, 60_000);
    });
    afterAll(async () => {
      await machine?.[Symbol.asyncDispose]();
      await node.close();
    });

    it('serves, as a user of its own without any power', async () => {
      expect(await call()).toBe(200);
      const status = machine.proc('status');
      expect(status).not.toMatch(/^Uid:\s+0\s/m);
      expect(status).toMatch(/^CapEff:\s+0000000000000000$/m);
      expect(status).toMatch(/^CapBnd:\s+0000000000000000$/m);
      expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
      expect(status).toMatch(/^Seccomp:\s+2$/m);
      // A machine within one gets no more than that one has.
      const most = Number(outcome('sh', ['-c', 'ulimit -Hn']).stdout) || Infinity;
      const files = /^Max open files\s+(\d+)\s+(\d+)/m.exec(machine.proc('limits'))!.slice(1);
      expect(files.map(Number)).toEqual(Array(2).fill(Math.min(65_536, most)));
      const kept = machine.run('ls', '-l', '/var/lib/private/polymorph').output;
      expect(kept).toContain('polymorph.db');
      expect(kept).toContain('journal');
    });

    it('reloads by systemctl', async () => {
      writeFileSync(join(machine.config, 'polymorph.yaml'), config(2000));
      const { code, output } = machine.run('systemctl', 'reload', 'polymorph.service');
      expect({ code, output }).toEqual({ code: 0, output: '' });
      const log = () => machine.run('journalctl', '--unit=polymorph', '--output=cat').stdout;
      await eventually(() => log().includes('"msg":"config reloaded"'), 10_000);
      expect(await call()).toBe(200);
    });

    it('drains at a stop, and goes on from its state at the next start', async () => {
      const stopped = machine.run('systemctl', 'stop', 'polymorph.service');
      expect(stopped.code, stopped.output).toBe(0);
      expect([machine.show('Result'), machine.show('ExecMainStatus')]).toEqual(['success', '0']);
      const compiled = machine.run('ls', '/var/cache/private/polymorph/polymorph-proxy/compile');
      expect(compiled.code, compiled.output).toBe(0);
      expect(compiled.stdout).toMatch(/^v\d/);
      expect(machine.run('systemctl', 'start', 'polymorph.service').code).toBe(0);
      await eventually(ready, 60_000);
      const usage = await fetch(`http://${admin}/operations/usage.query`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
      expect(((await usage.json()) as { totals: { calls: number } }).totals.calls).toBe(2);
    });

    it('is started again after a kill, and not where the config is bad', async () => {
      const before = machine.show('MainPID');
      machine.run('kill', '-KILL', before);
      await eventually(() => !['0', before].includes(machine.show('MainPID')), 20_000);
      await eventually(ready, 60_000);
      const restarts = machine.show('NRestarts');
      expect(restarts).toBe('1');
      expect(readFileSync(unit, 'utf8')).toContain('RestartPreventExitStatus=2');
      machine.run('systemctl', 'stop', 'polymorph.service');
      writeFileSync(join(machine.config, 'polymorph.yaml'), 'upstreams: nonsense\n');
      machine.run('systemctl', 'start', 'polymorph.service');
      await eventually(() => machine.show('ActiveState') === 'failed', 20_000);
      expect(machine.show('ExecMainStatus')).toBe('2');
      expect(machine.show('NRestarts')).toBe('0');
    });
  },
);
