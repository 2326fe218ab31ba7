import { once } from 'node:events';
import { connect, createServer, type Socket, type AddressInfo } from 'node:net';

export interface Delay {
  port: number;
  close(): void;
}

/** Stands before a server of this machine and lets everything it says through `delayMs` later. */
export async function startDelay(port: number, delayMs: number): Promise<Delay> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // it closes, which is all there is to do
    socket.on('error', () => {});
  };
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1').setNoDelay();
    keep(near);
    keep(far);
    near.setNoDelay().on('data', (chunk) => far.write(chunk));
    near.once('close', () => far.destroy());
    far.on('data', (chunk) => setTimeout(() => near.write(chunk), delayMs));
    far.once('close', () => setTimeout(() => near.destroy(), delayMs));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // a run that fails before it closes this still ends
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
