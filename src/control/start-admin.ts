import { hash, randomBytes } from 'node:crypto';
import { type AdminPorts, type AdminServer, startAdminServer } from '../admin/index.ts';
import type { Config } from '../config/index.ts';
import type { StoreAdmin } from '../store/index.ts';
import { bindError } from './bind.ts';
import { listenerUrl, ownUrl } from './listener-url.ts';
import type { OpenLog } from './logs.ts';
import { cannotListen } from './start-error.ts';

/** The admin listener, and how to ask it. */
export interface StartedAdmin {
  server: AdminServer;
  /** As it listens. */
  url: string;
  /** For commands on this machine: it stands beside the store, for those who may read the store. */
  owner: StoreAdmin;
}

/** Starts the admin listener; null: it is turned off. Rejects with StartError. */
export async function startAdmin(
  { admin }: Config,
  { logger, addSecrets }: Pick<OpenLog, 'logger' | 'addSecrets'>,
  ports: AdminPorts,
): Promise<StartedAdmin | null> {
  if (admin.listen === 'none') return null;
  const { host, port } = admin.listen;
  const token = randomBytes(24).toString('base64url');
  addSecrets([token]);
  const server = await startAdminServer({
    ...{ host, port, ports },
    token: admin.token,
    ownerToken: { sha256: hash('sha256', token) },
    allowedHosts: admin.allowed_hosts,
    onError: (error) => logger.error({ err: error }, 'the admin listener failed at a request'),
  }).catch((error: unknown) => cannotListen(bindError(host, port, error)));
  const url = listenerUrl('http', server.address);
  return { server, url, owner: { url: ownUrl('http', server.address), token } };
}
