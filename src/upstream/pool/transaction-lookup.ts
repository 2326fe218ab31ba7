import type { Answer } from '../answer.ts';
import type { DeliveryTrace, UpstreamCall } from '../call.ts';

export const LOOKUP_METHOD = 'eth_getTransactionByHash';

/** Asks a node that said «nonce too low» whether that is because it has this very transaction. The dispatcher reads its answer. */
export class TransactionLookup implements UpstreamCall {
  readonly hash: string;
  readonly bytes: Buffer;
  readonly start = 0;
  readonly end: number;
  readonly idStart: number;
  readonly idEnd: number;
  readonly safe = true;
  readonly cheap = false;
  readonly method = LOOKUP_METHOD;
  readonly retry = 'never';
  readonly critical: boolean;
  readonly caller = 0;
  readonly traced = false;
  text: string;
  idAt: number;
  idTo: number;
  via = -1;
  attempts = 0;
  sentAt = 0;
  trace: DeliveryTrace | null = null;

  constructor(hash: string, critical: boolean) {
    const before = '{"jsonrpc":"2.0","id":';
    this.hash = hash;
    this.critical = critical;
    this.text = `${before}0,"method":"${LOOKUP_METHOD}","params":["${hash}"]}`;
    this.bytes = Buffer.from(this.text, 'latin1');
    this.end = this.bytes.length;
    this.idStart = before.length;
    this.idEnd = before.length + 1;
    this.idAt = this.idStart;
    this.idTo = this.idEnd;
  }

  /** Is this the transaction? */
  foundIn(bytes: Buffer, { resultStart, resultEnd }: Answer): boolean {
    if (resultStart < 0) return false;
    return bytes.toString('latin1', resultStart, resultEnd).toLowerCase().includes(this.hash);
  }

  answered(): void {}
  failed(): void {}
}
