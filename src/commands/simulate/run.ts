import { type Config, compile, createRegistries } from '../../config/index.ts';
import { createReplay, type Replay, type ReplayVerdict } from '../../gateway/index.ts';
import { createHash64, createLimitsMemory, createRuleVersions } from '../../limits/index.ts';
import type { LoggedCall } from './logged-call.ts';
import { createOrder, type Timed } from './order.ts';
import { callsOf, type LogFile, type ReadCounts, type ReadProgress } from './read-log.ts';
import { createSpread } from './spread.ts';
import { createTally, type Tally } from './tally.ts';

/** A call is over in less than that: a line that comes later than this finds its place taken by later calls. */
const WINDOW_MICROS = 60e6;
/** Calls held until they are in order: some 300 bytes each. */
const HELD_MAX = 1 << 17;
/** Nobody attacks a simulation: the same log gives the same buckets. */
const SEED = Uint32Array.of(0x706f6c79, 0x6d6f7270, 0x682d7369, 0x6d756c61);

export interface SimulationOptions {
  config: Config;
  logs: readonly LogFile[];
  /** Epoch milliseconds; calls in [from, to). */
  from: number;
  to: number;
  /** Share of the calls that is in logs which do not say so. */
  sample: number;
  onProgress(file: string, calls: number, progress: ReadProgress): void;
}

export interface Simulation {
  read: ReadCounts;
  tally: Tally;
  /** Calls that were decided; more than lines where the log is a sample. */
  calls: number;
  /** Epoch microseconds; undefined if there was no call. */
  firstAt: number | undefined;
  lastAt: number;
  /** Lines that stand for more than their own call. */
  sampled: number;
  /** Lines that workers left out. */
  dropped: number;
  /** Calls out of their order by more than was waited for. */
  late: number;
  /** By network: calls of networks that the config does not have. */
  otherNetworks: Map<string, number>;
}

interface Step extends Timed {
  call: LoggedCall | null;
  giveBack: (() => void) | null;
}

/** Replays logs against a config. Throws what reading files does. */
export async function simulate(options: SimulationOptions): Promise<Simulation> {
  const replay = replayOf(options.config);
  const result: Simulation = {
    read: { calls: 0, other: 0, badKey: 0, noCaller: 0, bad: 0, problems: [] },
    tally: createTally(),
    ...{ calls: 0, firstAt: undefined, lastAt: 0, sampled: 0, dropped: 0, late: 0 },
    otherNetworks: new Map(),
  };
  const order = createOrder<Step>(WINDOW_MICROS, HELD_MAX);
  const spread = createSpread();
  const { from, to } = { from: options.from * 1000, to: options.to * 1000 };
  let clock = 0;

  function decide(call: LoggedCall): void {
    if (call.at < clock) result.late++;
    else clock = call.at;
    result.firstAt ??= call.at;
    result.lastAt = Math.max(result.lastAt, call.at);
    if (call.sample < 1) result.sampled++;
    for (const at of spread(call)) {
      const verdict = replay.decide(at === call.at ? call : { ...call, at });
      if (verdict === undefined) {
        const { network } = call;
        result.otherNetworks.set(network, (result.otherNetworks.get(network) ?? 0) + 1);
        return;
      }
      result.calls++;
      result.tally.add(call.method, at, call.refusedThen, verdict);
      if (verdict.giveBack !== null) order.push(ending(call, verdict));
    }
  }

  function decideDue(all: boolean): void {
    for (let step = order.next(all); step !== undefined; step = order.next(all)) {
      if (step.call !== null) decide(step.call);
      else step.giveBack?.();
    }
  }

  for (const file of options.logs) {
    const progress = (read: ReadProgress): void => options.onProgress(file.name, result.read.calls, read);
    for await (const calls of callsOf(file, result.read, progress)) {
      for (const call of calls) {
        if (call.at < from || call.at >= to) continue;
        result.dropped += call.dropped;
        if (call.sample === 1) call.sample = options.sample;
        order.push({ ...placeOf(call), at: call.at, call, giveBack: null });
        decideDue(false);
      }
    }
  }
  decideDue(true);
  return result;
}

function placeOf({ worker, request, item }: LoggedCall): Omit<Timed, 'at'> {
  return { worker, request, item };
}

function ending(call: LoggedCall, { giveBack }: ReplayVerdict): Step {
  return { ...placeOf(call), at: call.endAt, call: null, giveBack };
}

function replayOf(config: Config): Replay {
  const { table_entries: entries, quota_slots: quotaSlots } = config.limits;
  const memory = createLimitsMemory({ entries, quotaSlots, seed: SEED });
  const hash64 = createHash64(SEED);
  const registries = createRegistries({ versions: createRuleVersions(memory), hash64, quotaSlots });
  const keys = config.keys.map(({ name, digest }) => ({ name, sha256: Buffer.from(digest, 'hex') }));
  return createReplay(compile(config, registries), memory, keys);
}
