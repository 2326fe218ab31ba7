import type { NetworkPolicy } from '../../config/index.ts';
import { blockAsked, type NodeErrorKind, nodeErrorKind } from './node-errors.ts';

const METHOD_NOT_FOUND = -32601;
const TOO_MANY_REQUESTS = 429;

/**
 * What a node's error means for this call. A block that the whole network does not have yet is missing everywhere. Of
 * chains that are not Ethereum only what JSON-RPC and HTTP define is known.
 *
 * @param head the network's, -1 where unknown
 */
export function judgeError(
  code: number,
  errorText: string,
  callText: string,
  kind: NetworkPolicy['kind'],
  head: number,
): NodeErrorKind {
  if (kind === 'generic') {
    if (code === METHOD_NOT_FOUND) return 'method';
    return code === TOO_MANY_REQUESTS ? 'throttled' : 'caller';
  }
  const found = nodeErrorKind(code, errorText, callText);
  if (found !== 'state' || head < 0) return found;
  const asked = blockAsked(callText);
  return asked !== undefined && asked > head ? 'caller' : 'state';
}
