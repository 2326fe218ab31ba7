import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

/** A request as node:http read it; null if it refused the bytes. */
export interface OracleReading {
  method: string;
  target: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** Sends bytes to a plain node:http server over a real socket and says what it read first. */
export async function createOracle(): Promise<{
  read(bytes: Uint8Array): Promise<OracleReading | null>;
  close(): Promise<void>;
}> {
  let settle: (reading: OracleReading | null) => void = () => {};
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { method = '', url = '', headers } = incoming;
      settle({ method, target: url, headers, body: Buffer.concat(chunks) });
      response.end();
    });
    incoming.on('error', () => settle(null));
  });
  server.on('clientError', (_error, socket) => {
    settle(null);
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    async read(bytes) {
      const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
      const result = await new Promise<OracleReading | null>((resolve) => {
        settle = resolve;
        socket.on('error', () => resolve(null));
        socket.on('close', () => resolve(null));
        socket.resume();
      });
      socket.destroy();
      return result;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
