import type { UpstreamPolicy } from '../../config/index.ts';

/** Are calls sent to the same node, whatever the upstream is named and whoever it is told that asks? */
export function sameNode(one: UpstreamPolicy, other: UpstreamPolicy): boolean {
  return (
    one.host === other.host && one.port === other.port && one.path === other.path && one.tls === other.tls
  );
}

/** Is all the same that decides what it answers and how it does: the node, who asks it, and how it is reached? */
export function sameService(one: UpstreamPolicy, other: UpstreamPolicy): boolean {
  return (
    sameNode(one, other) &&
    one.ca === other.ca &&
    one.http2 === other.http2 &&
    one.authorization === other.authorization &&
    JSON.stringify(one.headers) === JSON.stringify(other.headers)
  );
}
