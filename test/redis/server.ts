import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { cert, key } from '../../src/upstream/testing/certificate.ts';
import { endWithUs } from '../program.ts';
import { freePorts } from './ports.ts';

export interface RedisServerOptions {
  /** Default: a free one. */
  port?: number;
  /** Asked for of all who connect. */
  password?: string;
  /** TLS and nothing else, by a certificate for `localhost`: see `ca`. */
  tls?: boolean;
  /** Further directives, as in redis.conf; those named here go before ours. */
  directives?: Readonly<Record<string, string>>;
  /** Further files of its folder, by name. */
  files?: Readonly<Record<string, string>>;
  /** `sentinel`: it watches others. */
  mode?: 'server' | 'sentinel';
}

/** A real Redis of our own. */
export interface RedisServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** With its password. */
  readonly url: string;
  /** File of the certificate that signs its own; with `tls` only. */
  readonly ca: string;
  readonly folder: string;
  readonly pid: number;
  /** A command by a connection of its own. Rejects where Redis refuses it. */
  call(command: string, ...args: (string | number)[]): Promise<unknown>;
  /** Again, after `kill` or `stop`, on the same port and folder. */
  start(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM: it writes what it is told to keep. */
  stop(): Promise<void>;
  /** SIGSTOP: connections stay, and nobody answers. */
  freeze(): void;
  thaw(): void;
}

const patienceMs = 30_000;

/** In a temporary folder, on 127.0.0.1; Debian’s, which is installed where we may. Nothing is kept on disk unless told so. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  execFileSync(join(import.meta.dirname, '../../scripts/ensure-tools.sh'), ['redis-server'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 300_000,
  });
  const { password, tls = false, mode = 'server' } = options;
  const folder = mkdtempSync(join(tmpdir(), 'polymorph-redis-'));
  const port = options.port ?? (await freePorts(1))[0]!;
  const [ca, keyFile, conf] = ['ca.pem', 'key.pem', 'redis.conf'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  if (tls) {
    writeFileSync(ca, cert);
    writeFileSync(keyFile, key);
  }
  for (const [name, text] of Object.entries(options.files ?? {})) writeFileSync(join(folder, name), text);
  const directives: Record<string, string> = {
    bind: '127.0.0.1',
    dir: folder,
    ...(tls ? { port: '0', 'tls-port': String(port), 'tls-auth-clients': 'no' } : { port: String(port) }),
    ...(tls && { 'tls-cert-file': ca, 'tls-key-file': keyFile, 'tls-ca-cert-file': ca }),
    ...(password !== undefined && { requirepass: password }),
    ...(mode === 'server' && { save: '""', appendonly: 'no', 'repl-diskless-sync-delay': '0' }),
    ...options.directives,
  };
  writeFileSync(
    conf,
    Object.entries(directives)
      .map(([name, value]) => `${name} ${value}\n`)
      .join(''),
  );

  let child: ChildProcess | undefined;
  let release = (): void => {};

  async function start(): Promise<void> {
    const args = mode === 'sentinel' ? [conf, '--sentinel'] : [conf];
    const started = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    child = started;
    if (started.pid !== undefined) release = endWithUs(started.pid);
    let said = '';
    const deadline = AbortSignal.timeout(patienceMs);
    started.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    while (!/Ready to accept connections|\+monitor master/.test(said)) {
      if (started.exitCode !== null || deadline.aborted) throw new Error(`Redis did not start:\n${said}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    release();
  }

  await start();
  const host = tls ? 'localhost' : '127.0.0.1';
  const credentials = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  const kill = (): Promise<void> => end('SIGKILL');
  return {
    ...{ host, port, ca, folder, start, kill },
    url: `${tls ? 'rediss' : 'redis'}://${credentials}${host}:${port}`,
    get pid() {
      return child?.pid ?? 0;
    },
    async call(command, ...args) {
      const redis = new Redis({
        ...{ host, port, password, lazyConnect: true, retryStrategy: () => null },
        ...(tls && { tls: { ca: cert } }),
        enableReadyCheck: false,
      });
      redis.on('error', () => undefined);
      try {
        await redis.connect();
        return await redis.call(command, ...args);
      } finally {
        redis.disconnect();
      }
    },
    stop: () => end('SIGTERM'),
    freeze: () => child?.kill('SIGSTOP'),
    thaw: () => child?.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
