import type { StoreFacts } from '../store/store-checks.ts';
import type { ReloadResult } from '../reload.ts';
import type { SlotState } from '../worker-slot.ts';
import type { Figures } from '../../metrics/index.ts';
import type { BreakerState, NetworkHealth } from '../../upstream/index.ts';

/** What is counted of events; plain data, all since the start. */
export interface EventFigures {
  /** Events made, by type. */
  made: Readonly<Record<string, number>>;
  /** Deliveries that are due or under way, and those that failed for good and are kept. */
  pending: number;
  dead: number;
  deliveries: readonly { sink: string; outcome: 'delivered' | 'retried' | 'failed'; count: number }[];
}

/** Where `/stats` and `/metrics` look: main's own, and what workers count. All of it must be cheap. */
export interface StatsSources {
  figures: Figures;
  version: string;
  /** Epoch milliseconds. */
  startedAtMs: number;
  wallMs(): number;
  networks(): readonly { name: string; upstreams: readonly { name: string; breaker: BreakerState }[] }[];
  health(): readonly NetworkHealth[];
  workers(): readonly { state: SlotState; restarts: number }[];
  config(): { generation: number; hash: string; appliedAtMs: number };
  reloads: Readonly<Record<ReloadResult['outcome'], number>>;
  /** Of the last one; true before the first. */
  reloadSucceeded(): boolean;
  /** null: there is no store. */
  store(): StoreFacts | null;
  /** Events that are known of; null: there is no source of them. */
  events(): EventFigures | null;
  /** Of main's event loop, microseconds. */
  mainLoop(): { lagMicros: number; maxLagMicros: number };
  mainHeapBytes(): number;
}
