import type { RedisFacts } from '../cluster/redis-watch.ts';
import type { EventsState } from '../events/events-state.ts';
import type { StoreFacts } from '../store/store-checks.ts';
import type { ReloadResult } from '../reload.ts';
import type { SlotState } from '../worker-slot.ts';
import type { Figures } from '../../metrics/index.ts';
import type { BreakerState, NetworkHealth } from '../../upstream/index.ts';

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
  /** null: no other instance. */
  redis(): RedisFacts | null;
  events(): EventsState;
  /** Bans that stand. */
  bans(): number;
  /** Made here since the start. */
  bansMade(): { auto: number; operator: number };
  /** Of main's event loop, microseconds. */
  mainLoop(): { lagMicros: number; maxLagMicros: number };
  mainHeapBytes(): number;
}
