import { WebSocketServer } from 'ws';
import type { UpgradeRequest } from '../http/index.ts';
import { isKeyProtocol } from '../identity/index.ts';
import { Session } from './session.ts';
import type { SessionHost } from './session-host.ts';

/** Frames that one message may come in. */
const FRAGMENTS_MAX = 128;
/** Pieces of a message in memory: as many as it has in the smallest segments a network cuts it into. */
const PIECES_MIN = 1024;
const PIECE_BYTES = 512;
/** What a client has to answer our close frame. */
const CLOSE_TIMEOUT_MS = 5000;

/** Undefined where the client is gone already. `id` is told as the answer's `X-Request-Id`. */
export type OpenSession = (request: UpgradeRequest, number: number, id: string) => Session | undefined;

/** Answers an upgrade that was admitted. The library keeps no list of sockets, and answers no ping by itself. */
export function createOpening(host: SessionHost<Session>): OpenSession {
  const servers = new Map<string, WebSocketServer>();
  let opening = '';
  const serverOf = (): WebSocketServer => {
    const { compression, maxMessageBytes } = host.settings();
    const id = `${compression} ${maxMessageBytes}`;
    let server = servers.get(id);
    if (server === undefined) {
      const pieces = Math.max(PIECES_MIN, Math.ceil(maxMessageBytes / PIECE_BYTES));
      const bounds = {
        maxFragments: FRAGMENTS_MAX,
        maxBufferedChunks: pieces,
        closeTimeout: CLOSE_TIMEOUT_MS,
      };
      server = new WebSocketServer({
        ...bounds,
        noServer: true,
        clientTracking: false,
        autoPong: false,
        perMessageDeflate: compression,
        maxPayload: maxMessageBytes,
        handleProtocols: chosenProtocol,
      });
      // Within `handleUpgrade`, so of the one that is being opened.
      server.on('headers', (lines) => lines.push(`X-Request-Id: ${opening}`));
      servers.clear();
      servers.set(id, server);
    }
    return server;
  };

  return (request, number, id) => {
    opening = id;
    const { incoming, socket, head } = request;
    let session: Session | undefined;
    serverOf().handleUpgrade(incoming, socket, head, (ws) => {
      session = new Session(host, number, ws, socket);
    });
    return session;
  };
}

/** The first that carries no key; a browser fails where none of those it offers is chosen. */
function chosenProtocol(offered: Set<string>): string | false {
  for (const protocol of offered) if (!isKeyProtocol(protocol)) return protocol;
  return offered.values().next().value ?? false;
}
