import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { UpstreamPolicy } from '../config/index.ts';

/**
 * A socket on its way to the node. What arrives is written to the start of `buffer` and told to `read` by its
 * length, one read at a time. Throws RangeError for a port of no range.
 */
export function connectSocket(policy: UpstreamPolicy, buffer: Buffer, read: (bytes: number) => void): Socket {
  const { port, ca } = policy;
  const host = policy.host.replace(/^\[|\]$/g, '');
  const onread = {
    buffer,
    callback: (bytes: number): boolean => {
      read(bytes);
      return true;
    },
  };
  if (!policy.tls) return connectTcp({ host, port, noDelay: true, onread });
  const socket = connectTls({
    host,
    port,
    servername: isIP(host) === 0 ? host : '',
    ALPNProtocols: ['http/1.1'],
    // The default, which NODE_TLS_REJECT_UNAUTHORIZED in the environment would turn off without a word.
    rejectUnauthorized: true,
    ...(ca === null ? {} : { ca }),
    // Passed on to net.Socket; the type leaves it out.
    ...{ onread },
  });
  socket.setNoDelay(true);
  return socket;
}
