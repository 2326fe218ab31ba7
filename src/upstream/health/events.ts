import type { BreakerState } from '../pool/breaker.ts';

/** What the health monitor has to tell; plain data, without secrets. */
export type HealthEvent =
  | {
      type: 'upstream.down';
      network: string;
      upstream: string;
      /** One of `healthReasonTexts`. */
      reason: string;
      detail: string;
      /** How long it was up before; null: it never was, or was down already for another reason. */
      upMs: number | null;
    }
  | {
      type: 'upstream.up';
      network: string;
      upstream: string;
      /** How long it was down; null: this was its first check. */
      downMs: number | null;
    }
  | {
      type: 'chain.reorg';
      network: string;
      /** Whose chain is followed now. */
      upstream: string;
      /** The lowest block that is another one now; 0 where the fork is below all that is kept. */
      from: number;
      head: number;
    }
  | {
      /** An upstream says it has a head that is not followed. */
      type: 'head.doubted';
      network: string;
      upstream: string;
      head: number;
      why: string;
    }
  | {
      /** Workers opened or closed its circuit breaker, or try it out. */
      type: 'breaker';
      network: string;
      upstream: string;
      state: BreakerState;
    };

/** For operators. */
export interface NetworkHealth {
  network: string;
  /** As configured, or as its upstreams agree; null where unknown. */
  chainId: number | null;
  head: { number: number; hash: string } | null;
  finalized: number | null;
  upstreams: UpstreamHealth[];
}

export interface UpstreamHealth {
  upstream: string;
  state: 'unknown' | 'up' | 'down';
  /** Why it is down: one of `healthReasonTexts`. */
  reason: string | null;
  /** Of the last check, where it was not good. */
  detail: string | null;
  head: number | null;
  /** Blocks behind the network's head. */
  lag: number | null;
  /** How long it has been in this state. */
  forMs: number;
  /** How often it went down since the start. */
  downs: number;
  /** Its circuit breaker, over all workers. */
  breaker: BreakerState;
}
