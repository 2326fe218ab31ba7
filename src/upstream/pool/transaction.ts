import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex } from '@noble/hashes/utils.js';

/** The one param of eth_sendRawTransaction: whole bytes in hex. */
const rawTransaction = /"params"\s*:\s*\[\s*"0x((?:[0-9a-fA-F]{2})+)"/;

const BLOB_TYPE = 0x03;
/** RLP: heads of lists from here on; beyond the second their length has a length of its own. */
const LIST = 0xc0;
const LONG_LIST = 0xf7;

/**
 * Hash of the signed transaction in an `eth_sendRawTransaction` call, as 0x and 64 digits: Keccak-256 of its raw bytes
 * (EIP-2718; the same for legacy ones), of a blob transaction's without the sidecar it travels with (EIP-4844, Networking).
 * undefined for what is no such call.
 */
export function transactionHash(text: string): string | undefined {
  const hex = rawTransaction.exec(text)?.[1];
  if (hex === undefined) return undefined;
  const raw = Buffer.from(hex, 'hex');
  const hash = keccak_256.create();
  for (const part of raw[0] === BLOB_TYPE ? withoutSidecar(raw) : [raw]) hash.update(part);
  return `0x${bytesToHex(hash.digest())}`;
}

/** The type's byte, and the transaction's own list: the first item of the list around it and its blobs. */
function withoutSidecar(raw: Uint8Array): Uint8Array[] {
  const first = 1 + headBytes(raw, 1);
  // Without blobs there is no list around it: its first item is the chain id, a string.
  if ((raw[first] ?? 0) < LIST) return [raw];
  return [raw.subarray(0, 1), raw.subarray(first, first + headBytes(raw, first) + listBytes(raw, first))];
}

/** Bytes of an RLP list's head, and of its items. */
function headBytes(raw: Uint8Array, at: number): number {
  const head = raw[at] ?? 0;
  return head > LONG_LIST ? 1 + head - LONG_LIST : 1;
}

function listBytes(raw: Uint8Array, at: number): number {
  const head = raw[at] ?? 0;
  if (head <= LONG_LIST) return head - LIST;
  let length = 0;
  for (let k = 1; k < headBytes(raw, at); k++) length = length * 256 + (raw[at + k] ?? 0);
  return length;
}
