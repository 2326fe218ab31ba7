import { execFileSync, type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { endWithUs } from '../../../test/program.ts';

/** A real PostgreSQL server of our own, in a temporary folder, on a free port of 127.0.0.1. */
export interface PostgresServer {
  readonly port: number;
  /** A new, empty database. */
  createDatabase(): Promise<string>;
  /** Ends it: `fast` ends its connections and shuts down, `crash` is as a kill of all its processes. */
  halt(how?: 'fast' | 'crash'): Promise<void>;
  /** Starts it again after a halt, on the same port with the same data. */
  start(): Promise<void>;
  /** SIGSTOP of all its processes: connections stay, and nobody answers. */
  freeze(): void;
  thaw(): void;
  /** Ends it and removes all. */
  stop(): Promise<void>;
}

const patienceMs = 30_000;

/** Starts one. With `durable` it syncs as in production, else it is fast and a crash of the machine would lose data. */
export async function startPostgres({ durable = false } = {}): Promise<PostgresServer> {
  const programs = findPrograms();
  const user = userOf();
  const home = mkdtempSync(join(tmpdir(), 'polymorph-postgres-'));
  if (user !== undefined) chownSync(home, user.uid, user.gid);
  const data = join(home, 'data');
  const environment = { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', HOME: home };
  execFileSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '--no-instructions', '--encoding=UTF8'],
    { ...user, cwd: home, env: environment, stdio: ['ignore', 'ignore', 'inherit'], timeout: patienceMs },
  );

  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '60',
    shared_buffers: '64MB',
    max_wal_size: '1GB',
    ...(!durable && { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const args = [
    '-D',
    data,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];

  let child: ChildProcess | undefined;
  let release = () => {};
  const start = async (): Promise<void> => {
    const started = spawn(join(programs, 'postgres'), args, {
      ...user,
      cwd: home,
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child = started;
    if (started.pid !== undefined) release = endWithUs(started.pid);
    const deadline = Date.now() + patienceMs;
    while (!said.includes('ready to accept connections')) {
      if (started.exitCode !== null || Date.now() > deadline) {
        await halt('crash');
        throw new Error(`PostgreSQL did not start:\n${said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const processes = (): number[] => {
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return [];
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
    return [child.pid, ...children.split(' ').filter(Boolean).map(Number)];
  };
  const signalAll = (signal: NodeJS.Signals): void => {
    // The first is stopped before the others are counted: it may be about to start one more.
    if (signal !== 'SIGCONT' && processes().length > 0) child?.kill('SIGSTOP');
    for (const pid of processes())
      try {
        process.kill(pid, signal);
      } catch (error) {
        // A server process ends whenever its connection does.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
  };
  const halt = async (how: 'fast' | 'crash' = 'fast'): Promise<void> => {
    const ending = child;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = once(ending, 'exit');
    signalAll('SIGCONT');
    if (how === 'crash') signalAll('SIGKILL');
    else ending.kill('SIGINT');
    const late = setTimeout(() => signalAll('SIGKILL'), patienceMs);
    await ended;
    clearTimeout(late);
    release();
  };

  let databases = 0;
  await start();
  const urlOf = (database: string): string => `postgres://postgres@127.0.0.1:${port}/${database}`;
  return {
    port,
    async createDatabase() {
      const name = `test_${++databases}`;
      await runSql(urlOf('postgres'), `create database ${name}`);
      return urlOf(name);
    },
    halt,
    start,
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    async stop() {
      await halt('crash');
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Runs SQL past the store, on a connection for it alone. Rejects with the driver's error. */
export async function runSql(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return ((await client.query(text)) as { rows: Record<string, unknown>[] }).rows;
  } finally {
    await client.end();
  }
}

/** Where Debian keeps them, by version, or on the PATH elsewhere. */
function findPrograms(): string {
  const found = lookForPrograms();
  if (found !== undefined) return found;
  execFileSync(join(import.meta.dirname, '../../../scripts/ensure-tools.sh'), ['postgres'], {
    stdio: 'inherit',
    timeout: 10 * 60_000,
  });
  const installed = lookForPrograms();
  if (installed === undefined) throw new Error('no PostgreSQL is installed');
  return installed;
}

function lookForPrograms(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env.PATH ?? '').split(':'),
  ];
  return folders.find((folder) => existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'initdb')));
}

/** PostgreSQL refuses to be root's. */
function userOf(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const asked = ['-u', '-g'].map((what) => spawnSync('id', [what, name], { encoding: 'utf8' }));
    if (asked.every(({ status }) => status === 0))
      return { uid: Number(asked[0]!.stdout), gid: Number(asked[1]!.stdout) };
  }
  throw new Error('no user to run PostgreSQL as');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
