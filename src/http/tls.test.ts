import { X509Certificate } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { certA, certB, keyA, keyB } from '../config/testing/certificates.ts';
import { startFront, type TestFront } from './testing/front.ts';

const request = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi';

const fronts: TestFront[] = [];
async function start(settings: Parameters<typeof startFront>[0] = {}): Promise<TestFront> {
  const front = await startFront({ tls: { cert: certA, key: keyA }, ...settings });
  fronts.push(front);
  return front;
}
afterEach(async () => {
  for (const front of fronts.splice(0)) {
    front.destroy();
    await front.drain();
  }
});

/** A client that speaks TLS: what it was answered, or '' where it was cut before. */
function ask(port: number): { socket: TLSSocket; answer: Promise<string> } {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  onTestFinished(() => void socket.destroy());
  const answer = new Promise<string>((resolve) => {
    let text = '';
    socket.on('secureConnect', () => socket.write(request));
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      if (text.endsWith('hi')) resolve(text);
    });
    socket.on('error', () => resolve(text)).on('close', () => resolve(text));
  });
  return { socket, answer };
}

/** One that has not begun with TLS yet. */
async function openSilent(port: number): Promise<{ socket: Socket; closed: Promise<void> }> {
  const socket = connect({ port, host: '127.0.0.1' });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise((resolve) => socket.once('connect', resolve));
  return { socket, closed };
}

describe('over TLS', () => {
  it('answers, and counts a connection from its first byte of TCP on, until TLS is not agreed on in time', async () => {
    const front = await start({ settings: { headerTimeoutMs: 400 } });
    const { closed } = await openSilent(front.port);
    await expect.poll(() => front.stats.connections).toBe(1);
    expect(await ask(front.port).answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(front.stats).toMatchObject({ connections: 2, accepted: 2 });
    await closed;
    await expect.poll(() => front.stats.connections).toBe(1);
  });

  it('cuts what is beyond the connections of an address before TLS is spoken', async () => {
    const front = await start({ settings: { maxConnectionsPerAddress: 1 } });
    const first = ask(front.port);
    expect(await first.answer).toMatch(/hi$/);
    expect(await ask(front.port).answer).toBe('');
    expect(front.stats).toMatchObject({ connections: 1, refusedConnections: 1 });
    first.socket.destroy();
    await expect.poll(() => front.stats.connections).toBe(0);
    expect(await ask(front.port).answer).toMatch(/hi$/);
  });

  it('cuts whom it shall not serve, and counts them apart', async () => {
    const front = await start({ settings: { isBanned: (address) => address === '127.0.0.1' } });
    expect(await ask(front.port).answer).toBe('');
    expect(front.stats).toMatchObject({ connections: 0, accepted: 0, bannedConnections: 1 });
    front.settings.isBanned = () => false;
    expect(await ask(front.port).answer).toMatch(/hi$/);
  });

  it('shows another certificate to whoever comes next, and whoever is there goes on', async () => {
    const front = await start();
    const old = ask(front.port);
    await old.answer;
    front.setTls({ cert: certB, key: keyB });
    const next = ask(front.port);
    expect(await next.answer).toMatch(/hi$/);
    const shown = [old, next].map(({ socket }) => socket.getPeerX509Certificate()?.fingerprint256);
    expect(shown).toEqual([certA, certB].map((pem) => new X509Certificate(pem).fingerprint256));
    const again = new Promise<string>((resolve) =>
      old.socket.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1'))),
    );
    old.socket.write(request);
    expect(await again).toMatch(/^HTTP\/1\.1 200 [^]*hi$/);
  });

  it('ends those, too, who never got as far as TLS', async () => {
    const front = await start();
    const { closed } = await openSilent(front.port);
    await expect.poll(() => front.stats.connections).toBe(1);
    front.destroy();
    await closed;
  });
});
