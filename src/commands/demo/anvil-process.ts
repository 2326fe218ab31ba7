import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface AnvilProcess {
  url: string;
  chainId: number;
  /** Resolves with a description when anvil ends, for whatever reason. */
  exited: Promise<string>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
  /** Ends it without waiting; for the last moment of this process. */
  kill(): void;
}

const readyWithinMs = 15_000;

/**
 * Starts a local Ethereum node on a free port of 127.0.0.1, with a fresh chain in memory and a temporary folder as
 * its home. It runs in a session of its own, so that Ctrl-C reaches it through us, after the calls in flight; a small
 * shell ends it if this process is killed without a chance to. Throws if it is not ready within 15 s.
 */
export async function startAnvil(binary: string): Promise<AnvilProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'polymorph-demo-'));
  const port = await freePort();
  const child = spawn(
    binary,
    ['--host', '127.0.0.1', '--port', String(port), '--silent', '--block-time', '1'],
    {
      cwd: folder,
      env: { HOME: folder, TMPDIR: folder },
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  let ended = false;
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) =>
      resolve(`it ended with ${signal ?? `code ${code}`}${complaint && `: ${complaint}`}`),
    );
  }).then((reason) => {
    ended = true;
    return reason;
  });
  const release = child.pid === undefined ? () => {} : guard(child.pid, folder);
  const kill = () => {
    if (!ended) child.kill('SIGKILL');
  };
  const stop = async () => {
    if (!ended) child.kill('SIGTERM');
    const force = setTimeout(kill, 2_000);
    await exited;
    clearTimeout(force);
    release();
    await rm(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  const ready = await Promise.race([chainIdOf(url, () => ended), exited]);
  if (typeof ready === 'number') return { url, chainId: ready, exited, stop, kill };
  await stop();
  throw new Error(`the local Ethereum node did not start: ${ready}`);
}

/**
 * Ends `pid` and removes `folder` as soon as our end of a pipe closes, which the kernel does however this process dies. The returned
 * function releases the guard without a kill.
 */
function guard(pid: number, folder: string): () => void {
  const script = 'read -r released || { kill -KILL "$0"; rm -rf "$1"; }';
  const shell = spawn('/bin/sh', ['-c', script, String(pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.on('error', () => {});
  shell.stdin.on('error', () => {});
  shell.unref();
  return () => shell.stdin.end('released\n');
}

async function chainIdOf(url: string, ended: () => boolean): Promise<number | string> {
  const deadline = performance.now() + readyWithinMs;
  while (!ended() && performance.now() < deadline) {
    const id = await askChainId(url);
    if (id !== undefined) return id;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return `it was not ready within ${readyWithinMs / 1000} s`;
}

function askChainId(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const asked = request(url, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json' },
      timeout: 1_000,
    });
    asked.on('error', () => resolve(undefined));
    asked.on('timeout', () => asked.destroy());
    asked.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', () => resolve(undefined));
      response.on('end', () => {
        const found = /"result":"0x([0-9a-f]+)"/.exec(text)?.[1];
        resolve(found === undefined ? undefined : Number.parseInt(found, 16));
      });
    });
    asked.end('{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}');
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
