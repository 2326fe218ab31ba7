import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cert, key } from '../../src/upstream/testing/certificate.ts';
import { ask } from './ask.ts';
import { ensureTools } from '../deploy/tools.ts';
import { endWithUs } from '../program.ts';
import { freePorts } from '../redis/ports.ts';
import { eventually } from '../store/gateway.ts';
import { replaced } from './page.ts';

/** A proxy that stands before a gateway. */
export interface Proxy {
  readonly port: number;
  /** What its access log holds so far; '' where it writes none. */
  log(): string;
  close(): Promise<void>;
}

/** Debian’s package of this name is here, or was installed where we may. */
export function hasProgram(name: string): boolean {
  try {
    ensureTools(name);
    return true;
  } catch {
    return false;
  }
}

/** nginx with this block in its `http`, in which names, ports and files are put in their place. */
export async function startNginx(block: string, gatewayPort: number): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), 'polymorph-nginx-'));
  const [port] = await freePorts(1);
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('cert.pem'), cert);
  writeFileSync(at('key.pem'), key);
  const server = replaced(block, {
    'server 127.0.0.1:8540': `server 127.0.0.1:${gatewayPort}`,
    'listen 443 ssl': `listen 127.0.0.1:${port} ssl`,
    'rpc.example.com;': 'localhost;',
    '/etc/ssl/rpc.example.com.pem': at('cert.pem'),
    '/etc/ssl/rpc.example.com.key': at('key.pem'),
    '/var/log/nginx/rpc.log': at('access.log'),
  });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${at(`temporary-${kind}`)};`,
  );
  writeFileSync(
    at('nginx.conf'),
    `worker_processes 1;\npid ${at('pid')};\nevents {}\nhttp {\n${temporary.join('\n')}\n${server}}\n`,
  );
  const args = ['-p', folder, '-e', at('error.log'), '-c', at('nginx.conf')];
  const { status, stderr } = spawnSync('nginx', [...args, '-t'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return started(folder, port!, 'nginx', [...args, '-g', 'daemon off;'], 'https');
}

/** Caddy with this site, which here has no name and no certificate: they would have to be asked for. */
export async function startCaddy(site: string, gatewayPort: number): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), 'polymorph-caddy-'));
  const [port] = await freePorts(1);
  const text = replaced(site, {
    'rpc.example.com {': `http://localhost:${port} {`,
    'reverse_proxy 127.0.0.1:8540': `reverse_proxy 127.0.0.1:${gatewayPort}`,
  });
  const file = join(folder, 'Caddyfile');
  writeFileSync(file, `{\n\tadmin off\n\tdefault_bind 127.0.0.1\n}\n${text}`);
  mkdirSync(join(folder, 'home'));
  return started(folder, port!, 'caddy', ['run', '--adapter', 'caddyfile', '--config', file], 'http');
}

async function started(
  folder: string,
  port: number,
  program: string,
  args: readonly string[],
  scheme: 'http' | 'https',
): Promise<Proxy> {
  const home = join(folder, 'home');
  const child = spawn(program, args, {
    stdio: 'ignore',
    env: { ...process.env, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
  });
  const release = child.pid === undefined ? () => {} : endWithUs(child.pid);
  const ended = once(child, 'exit');
  const proxy: Proxy = {
    port,
    log: () => readFileSync(join(folder, 'access.log'), 'utf8'),
    async close() {
      child.kill('SIGTERM');
      await ended;
      release();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await eventually(async () => (await healthOf(port, scheme)) === 200, 20_000);
  } catch (error) {
    await proxy.close();
    throw error;
  }
  return proxy;
}

function healthOf(port: number, scheme: 'http' | 'https'): Promise<number> {
  return ask({ port, scheme, method: 'GET', path: '/healthz' }).then(
    ({ status }) => status,
    () => 0,
  );
}
