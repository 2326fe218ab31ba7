import { createServer, type AddressInfo, type ListenOptions } from 'node:net';

/** Why the public listener cannot be had. `code` is stable; the message is for the operator. */
export class BindError extends Error {
  readonly code: 'port_taken' | 'not_permitted' | 'no_such_address' | 'listen_failed';

  constructor(code: BindError['code'], message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'BindError';
    this.code = code;
  }
}

export interface BoundAddress {
  /** The address the name stood for, so that all workers listen on the same one. */
  host: string;
  port: number;
  /** False where the platform cannot share a port between listeners: then one worker serves. */
  reusePort: boolean;
}

/**
 * Takes the address once without sharing it and gives it back, so that a second instance hears that the port is
 * taken instead of getting half of the calls. Port 0 is answered with the port the system chose.
 * Throws BindError.
 */
export async function claimAddress(host: string, port: number): Promise<BoundAddress> {
  const bound = await bindOnce({ host, port }).catch((error: unknown) => {
    throw bindError(host, port, error);
  });
  return { ...bound, reusePort: await canShare(bound.host) };
}

/** The message for a listen error, also for one that a worker or the admin listener met. */
export function bindError(host: string, port: number, error: unknown): BindError {
  const at = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === 'EADDRINUSE')
    return new BindError('port_taken', `port taken: something already listens on ${at}`, error);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new BindError('no_such_address', `cannot listen on ${at}: the name ${host} is not known`, error);
  if (code === 'EACCES')
    return new BindError(
      'not_permitted',
      `not permitted to listen on ${at}${port < 1024 ? ' (ports below 1024 are the system’s)' : ''}`,
      error,
    );
  if (code === 'EADDRNOTAVAIL') {
    return new BindError('no_such_address', `this machine has no address ${at}`, error);
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new BindError('listen_failed', `cannot listen on ${at}: ${reason}`, error);
}

function bindOnce(options: ListenOptions): Promise<{ host: string; port: number }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(options, () => {
      const { address, port } = server.address() as AddressInfo;
      server.close(() => resolve({ host: address, port }));
    });
  });
}

async function canShare(host: string): Promise<boolean> {
  try {
    await bindOnce({ host, port: 0, reusePort: true });
    return true;
  } catch {
    return false;
  }
}
