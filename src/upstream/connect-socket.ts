import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { UpstreamPolicy } from '../config/index.ts';

/**
 * A socket on its way to the node. What arrives is written to the start of `buffer` and told to `read` by its
 * length, one read at a time. Throws RangeError for a port of no range.
 */
export function connectSocket(policy: UpstreamPolicy, buffer: Buffer, read: (bytes: number) => void): Socket {
  const onread = {
    buffer,
    callback: (bytes: number): boolean => {
      read(bytes);
      return true;
    },
  };
  if (!policy.tls) return connectTcp({ ...addressOf(policy), noDelay: true, onread });
  return secureSocket(policy, 'http/1.1', onread);
}

/** The same for HTTP/2, whose session reads by itself. */
export function connectHttp2Socket(policy: UpstreamPolicy): Socket | TLSSocket {
  return policy.tls ? secureSocket(policy, 'h2') : connectTcp({ ...addressOf(policy), noDelay: true });
}

function addressOf({ host, port }: UpstreamPolicy): { host: string; port: number } {
  return { host: host.replace(/^\[|\]$/g, ''), port };
}

function secureSocket(policy: UpstreamPolicy, protocol: string, onread?: OnReadOpts): TLSSocket {
  const { host, port } = addressOf(policy);
  const socket = connectTls({
    host,
    port,
    servername: isIP(host) === 0 ? host : '',
    ALPNProtocols: [protocol],
    // The default, which NODE_TLS_REJECT_UNAUTHORIZED in the environment would turn off without a word.
    rejectUnauthorized: true,
    ...(policy.ca === null ? {} : { ca: policy.ca }),
    // Passed on to net.Socket; the type leaves it out.
    ...(onread === undefined ? {} : { onread }),
  });
  socket.setNoDelay(true);
  return socket;
}

/** May what is connected by one policy be used on by the other? */
export function samePlace(one: UpstreamPolicy, other: UpstreamPolicy): boolean {
  return (
    one.host === other.host &&
    one.port === other.port &&
    one.tls === other.tls &&
    one.http2 === other.http2 &&
    one.ca === other.ca
  );
}
