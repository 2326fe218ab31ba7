import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { policyFor, sendTo, sleep, testDeps } from './testing/caller.ts';
import { cert, key } from './testing/certificate.ts';
import { createUpstream } from './upstream.ts';

/** Somebody else's HTTP/2: Node's own on both sides could share a misreading. */
const server = 'nginx';
const missing = spawnSync(server, ['-v']).error !== undefined;

async function freePort(): Promise<number> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as { port: number };
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

async function listens(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      setTimeout(() => socket.destroy(), 50);
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error('nginx does not listen');
}

it.skipIf(missing)(
  'nginx: by ALPN over TLS and by prior knowledge, and past the requests it allows',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nginx-http2-'));
    const [plain, secure] = [await freePort(), await freePort()];
    await writeFile(join(folder, 'cert.pem'), cert);
    await writeFile(join(folder, 'key.pem'), key);
    // Each connection is ended by GOAWAY after ten requests. The answer is the first call's; a notification needs none.
    await writeFile(
      join(folder, 'nginx.conf'),
      `daemon off; worker_processes 1; error_log stderr crit; pid ${folder}/pid;
events { worker_connections 256; }
http {
  access_log off; keepalive_requests 10; client_body_temp_path ${folder}; proxy_temp_path ${folder};
  fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  server {
    listen 127.0.0.1:${plain} http2; listen 127.0.0.1:${secure} ssl http2;
    ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;
    location / { default_type application/json; return 200 '{"jsonrpc":"2.0","id":1,"result":"nginx"}'; }
  }
}`,
    );
    const nginx = spawn(server, ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' });
    try {
      await listens(secure);
      for (const [port, tls] of [
        [plain, false],
        [secure, true],
      ] as const) {
        const patient = { connectTimeoutMs: 5000, firstByteTimeoutMs: 5000, timeoutMs: 10_000 };
        const policy = policyFor(port, {
          ...patient,
          http2: true,
          tls,
          host: 'localhost',
          ca: tls ? cert : null,
        });
        const upstream = createUpstream(policy, testDeps());
        const first = sendTo(upstream);
        await first.settled;
        expect(first.result).toBe('"nginx"');
        for (let round = 0; round < 5; round++) {
          const callers = Array.from({ length: 7 }, () => sendTo(upstream, { notification: true }));
          await Promise.all(callers.map((caller) => caller.settled));
          expect(callers.map((caller) => caller.reason)).toEqual(callers.map(() => ''));
        }
        expect(upstream.stats().opened).toBeGreaterThan(2);
        await upstream.close(0);
      }
    } finally {
      nginx.kill();
      await new Promise((resolve) => nginx.once('exit', resolve));
      await rm(folder, { recursive: true });
    }
  },
);
