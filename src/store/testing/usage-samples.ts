import { randomUUID } from 'node:crypto';
import { LATENCY_BUCKETS, type LedgerBatch, type LedgerRow } from '../../usage/index.ts';
import { noon } from './subject.ts';

/** A row of usage: one call of a key of its own, at noon. */
export function row(values: Partial<LedgerRow> = {}): LedgerRow {
  const latency = new Uint32Array(LATENCY_BUCKETS);
  latency[4] = 1;
  return {
    minute: noon,
    keyId: randomUUID(),
    network: 'mainnet',
    method: 'eth_call',
    status: 0,
    event: false,
    calls: 1,
    cost: 1,
    errors: 0,
    bytesIn: 100,
    bytesOut: 200,
    latencyMicros: 700,
    latency,
    ...values,
  };
}

/** A first piece, of 100 bytes, of a segment of its own. */
export function batch(values: Partial<LedgerBatch> = {}): LedgerBatch {
  return {
    segment: randomUUID(),
    from: 0,
    to: 100,
    closed: false,
    rows: [],
    raw: [],
    lastUsed: new Map(),
    ...values,
  };
}
