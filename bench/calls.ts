import { createHash } from 'node:crypto';

/** Keys of callers whose limits admit everything. */
export const callerKeys: readonly string[] = Array.from({ length: 64 }, (_, n) => benchKey(`caller ${n}`));

/** A key whose limit is used up by its first call. */
export const refusedKey = benchKey('refused');

/** A key as the config takes it, the same in every run. */
export function benchKey(name: string): string {
  return `bench_${createHash('sha256').update(name).digest('base64url').slice(0, 26)}`;
}

/** One eth_call of about 200 bytes: balanceOf of an address made from `n`. At `pending` no proxy may keep or share it. */
export function callBody(n: number, block: 'latest' | 'pending' = 'latest'): string {
  const token = address(n % 16);
  const holder = address(n);
  const data = `0x70a08231000000000000000000000000${holder}`;
  return `{"jsonrpc":"2.0","id":${1_000_000 + n},"method":"eth_call","params":[{"to":"0x${token}","data":"${data}"},"${block}"]}`;
}

/** Lines for wrk.lua: calls with ids of their own, taking the keys in turn. */
export function callPool(size: number, keys: readonly string[]): string {
  return Array.from({ length: size }, (_, n) => `${keys[n % keys.length]}\t${callBody(n)}\n`).join('');
}

/** The same calls as whole HTTP requests, one after another, for native/pace.c. */
export function requestPool(size: number, keys: readonly string[]): string {
  return Array.from({ length: size }, (_, n) => rawRequest(callBody(n), keys[n % keys.length]!)).join('');
}

function rawRequest(body: string, key: string): string {
  return `POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-API-Key: ${key}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function address(n: number): string {
  return createHash('sha256').update(`address ${n}`).digest('hex').slice(0, 40);
}
