import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A network between a program and a server, that can be bad. */
export interface Link {
  readonly port: number;
  /** How long bytes take each way from now on, in milliseconds; they stay in order. */
  delayMs: number;
  /** What is sent goes nowhere, and nobody is told. */
  swallows: boolean;
  /** New connections are reset. */
  resets: boolean;
  /** Resets all that are open. */
  reset(): void;
  close(): Promise<void>;
}

/** A TCP proxy to a port of this machine. */
export async function startLink(to: number): Promise<Link> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket
      .setNoDelay(true)
      .on('error', () => socket.destroy())
      .on('close', () => sockets.delete(socket));
  };
  const pipe = (from: Socket, into: Socket): void => {
    let last: Promise<unknown> = Promise.resolve();
    const later = (work: () => void): void => {
      const due = performance.now() + link.delayMs;
      last = last.then(() => delay(Math.max(0, due - performance.now()))).then(work);
    };
    from.on('data', (bytes) => {
      if (!link.swallows) later(() => void (into.destroyed || into.write(bytes)));
    });
    from.on('close', () => later(() => into.destroy()));
  };
  const server = createServer((client) => {
    keep(client);
    if (link.resets) return client.resetAndDestroy();
    const target = keep(connect(to, '127.0.0.1'));
    pipe(client, target);
    pipe(target, client);
    return undefined;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const link: Link = {
    port: (server.address() as { port: number }).port,
    delayMs: 0,
    swallows: false,
    resets: false,
    reset() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
  return link;
}
