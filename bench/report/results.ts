import type { Figure } from '../figures.ts';
import type { Machine } from '../machine.ts';
import type { Options } from '../options.ts';
import type { CostRow } from '../scenarios/cost.ts';
import type { Instances } from '../scenarios/instances.ts';
import type { Latency } from '../scenarios/latency.ts';
import type { Memory } from '../scenarios/memory.ts';
import type { Reload } from '../scenarios/reload.ts';
import type { Starts } from '../scenarios/start.ts';
import type { Upstreams } from '../scenarios/upstreams.ts';
import type { Websocket } from '../scenarios/websocket.ts';

/** All of one run, as kept in bench/results/. */
export interface Results {
  /** ISO 8601, UTC. */
  at: string;
  /** Commit that was measured, with `+` if files were changed. */
  commit: string;
  seconds: number;
  machine: Machine;
  options: Options;
  figures: Figure[];
  cost?: CostRow[];
  latency?: Latency;
  memory?: Memory;
  reload?: Reload;
  upstreams?: Upstreams;
  websocket?: Websocket;
  instances?: Instances;
  starts?: Starts;
  faults: string[];
}
