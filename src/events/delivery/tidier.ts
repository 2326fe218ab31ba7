import { hash } from 'node:crypto';
import type { SinkConfig } from '../../config/index.ts';
import type { DisabledSink, Outbox } from '../outbox.ts';
import type { DeliveryLog, SinkSlot } from './sink-slot.ts';

/** Deliveries of sinks that this config has not: another instance's may have them. One that nobody made for so long is nobody's. */
const FOREIGN_MS = 3_600_000;
const removed = 'the sink is in no config any more';

/** Of what a sink is configured with: one that was turned off stays off for as long as it is the same. */
export function fingerprint(config: SinkConfig): string {
  return hash('sha256', JSON.stringify(config), 'hex');
}

/** Sinks that their receivers turned off, and deliveries of sinks that are no more. */
export interface Tidier {
  /** A receiver answered that it wants nothing any more. */
  gone(config: SinkConfig, problem: string): void;
  /** Turns off those that were turned off and are the same still; the others are on again. */
  applyDisabled(): Promise<void>;
  /** Makes dead letters of what goes nowhere, and tries again to set up what could not be; every `sweepMs`, or {@link soon}. */
  sweep(): Promise<void>;
  soon(): void;
}

export function createTidier(parts: {
  outbox: Pick<Outbox, 'abandon' | 'disabled' | 'disable' | 'enable'>;
  /** Those of the config now, by name. */
  slots: ReadonlyMap<string, SinkSlot>;
  /** Others deliver from the same outbox. */
  shared: boolean;
  log: DeliveryLog;
  epochMs(): number;
  /** Milliseconds of a clock that never goes back. */
  elapsedMs(): number;
  sweepMs: number;
  onChange(): void;
}): Tidier {
  const { outbox, slots, log, epochMs, elapsedMs } = parts;
  /** As the store has them; null: it was not asked yet. */
  let known: DisabledSink[] | null = null;
  /** Turned off, and the store does not know it yet. */
  const untold = new Map<string, DisabledSink>();
  let sweptAt = Number.NEGATIVE_INFINITY;
  const sweepNow = async (nowMs: number): Promise<void> => {
    const graceMs = parts.shared ? FOREIGN_MS : 0;
    const lost = await outbox.abandon(
      { except: [...slots.keys()], dueBeforeMs: nowMs - graceMs + 1 },
      removed,
      nowMs,
    );
    if (lost > 0)
      log.warn({ kind: 'events', deliveries: lost }, `${lost} deliveries are dead letters: ${removed}`);
    for (const [name, slot] of slots) {
      if (slot.disabled !== null)
        await outbox.abandon({ only: name }, `the sink is off: its receiver ${slot.disabled}`, nowMs);
      slot.mend();
    }
  };

  return {
    gone(config, problem) {
      const slot = slots.get(config.name);
      if (slot === undefined || slot.disabled !== null) return;
      const print = fingerprint(config);
      // Of the config before: what the new one leads to has said nothing.
      if (fingerprint(slot.config) !== print) return;
      slot.turnOff(problem);
      const fields = { kind: 'events', sink: config.name };
      log.error(fields, `sink ${config.name} is off until its config changes: its receiver ${problem}`);
      untold.set(config.name, { name: config.name, config: print, problem, disabledAtMs: epochMs() });
      sweptAt = Number.NEGATIVE_INFINITY;
      parts.onChange();
    },

    async applyDisabled() {
      // Until the store has it, a start would forget it: tried again with each look.
      for (const [name, disabled] of untold) {
        const slot = slots.get(name);
        if (slot !== undefined && fingerprint(slot.config) !== disabled.config) {
          untold.delete(name);
          slot.turnOff(null);
          continue;
        }
        await outbox.disable(disabled);
        untold.delete(name);
        if (known !== null) known = [...known.filter((one) => one.name !== name), disabled];
      }
      known ??= await outbox.disabled();
      for (const { name, config, problem } of known) {
        const slot = slots.get(name);
        if (slot === undefined || untold.has(name)) continue;
        const same = fingerprint(slot.config) === config;
        slot.turnOff(same ? problem : null);
        if (same) continue;
        await outbox.enable(name);
        known = known.filter((one) => one.name !== name);
      }
    },

    async sweep() {
      const nowMs = elapsedMs();
      if (nowMs - sweptAt < parts.sweepMs) return;
      // Asked for meanwhile, it is done anew.
      sweptAt = nowMs;
      try {
        await sweepNow(epochMs());
      } catch (error) {
        sweptAt = Number.NEGATIVE_INFINITY;
        throw error;
      }
    },

    soon() {
      sweptAt = Number.NEGATIVE_INFINITY;
    },
  };
}
