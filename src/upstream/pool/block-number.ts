import type { Answer } from '../answer.ts';
import type { Heads } from '../board.ts';
import type { KeptAnswer } from './delivery.ts';

/** A block's number stands near the beginning of it in every node's answer. */
const SEARCHED_BYTES = 16 * 1024;
const SERVED_MAX = 2 ** 32 - 2;

/** Does the answer to this call say where the chain's head is? */
export function tellsHead(method: string, text: string): boolean {
  if (method === 'eth_blockNumber') return true;
  return method === 'eth_getBlockByNumber' && /"params"\s*:\s*\[\s*"latest"/.test(text);
}

/**
 * The block that an upstream must have to answer the call: the one it asks for, or, where it asks for the head, what callers
 * were told already. -1: any will do.
 */
export function neededBlock(method: string, text: string, heads: Heads): number {
  if (tellsHead(method, text)) return heads.head >= 0 ? heads.served : -1;
  const asked = /^eth_get(?:Block|Header)/.test(method) ? askedNumber(text) : -1;
  return asked <= Math.max(heads.head, heads.served) ? asked : -1;
}

/** Methods for which {@link neededBlock} is worth a look at the params. */
export function asksForBlock(method: string): boolean {
  return (
    method === 'eth_blockNumber' || method.startsWith('eth_getBlock') || method.startsWith('eth_getHeader')
  );
}

function askedNumber(text: string): number {
  return quantity(/"params"\s*:\s*\[\s*("0x[0-9a-fA-F]+")/.exec(text)?.[1] ?? '');
}

/** Is it an answer to `finalized` that is older than what the network's checks know as final? */
export function unfinalizes(
  { method, text }: { method: string; text: string },
  bytes: Buffer,
  answer: Answer,
  { finalized }: Heads,
): boolean {
  if (finalized <= 0 || method !== 'eth_getBlockByNumber') return false;
  if (!/"params"\s*:\s*\[\s*"finalized"/.test(text)) return false;
  const number = headTold(method, bytes, answer);
  return number >= 0 && number < finalized;
}

/** Did the node answer that there is no such block? */
export function saysNone(bytes: Buffer, { resultStart, resultEnd }: Answer): boolean {
  // null: no other JSON value of four bytes begins with n.
  return resultStart >= 0 && resultEnd - resultStart === 4 && bytes[resultStart] === 0x6e;
}

/** The block number that such an answer tells; -1 where there is none to be read. */
export function headTold(method: string, bytes: Buffer, { resultStart, resultEnd }: Answer): number {
  if (resultStart < 0) return -1;
  if (method === 'eth_blockNumber')
    return quantity(bytes.toString('latin1', resultStart, Math.min(resultEnd, resultStart + 32)));
  const text = bytes.toString('latin1', resultStart, Math.min(resultEnd, resultStart + SEARCHED_BYTES));
  return quantity(/"number"\s*:\s*("0x[0-9a-fA-F]+")/.exec(text)?.[1] ?? '');
}

function quantity(text: string): number {
  return /^"0x[0-9a-fA-F]{1,13}"$/.test(text) ? Number.parseInt(text.slice(3), 16) : -1;
}

/**
 * Are callers to be kept from a number below one that was told before? Only where main follows the chain, because
 * only then a reorg that takes the chain back is known as one.
 */
export function runsBackwards(heads: Heads, number: number): boolean {
  return number >= 0 && heads.head >= 0 && number < heads.served;
}

/** From now on no caller is told a lower number. Only where the chain is followed, and for numbers that are believed. */
export function noteTold(heads: Heads, number: number): void {
  if (number < 0 || number > SERVED_MAX || heads.head < 0) return;
  if (number > heads.served) heads.raiseServed(number);
}

/** An answer to eth_blockNumber with the highest number that was told. */
export function servedAnswer(heads: Heads): KeptAnswer {
  return resultAnswer(`0x${heads.served.toString(16)}`);
}

/** A JSON-RPC answer whose result is this string of plain characters. */
export function resultAnswer(result: string): KeptAnswer {
  const before = '{"jsonrpc":"2.0","id":';
  const bytes = Buffer.from(`${before}0,"result":"${result}"}`, 'latin1');
  return { bytes, idStart: before.length, idEnd: before.length + 1, isError: false };
}
