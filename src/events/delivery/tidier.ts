import { hash } from 'node:crypto';
import type { SinkConfig } from '../../config/index.ts';
import type { DisabledSink, Outbox } from '../outbox.ts';
import type { DeliveryLog, SinkSlot } from './sink-slot.ts';

/** Deliveries of sinks that this config has not: another instance's may have them. One that nobody made for so long is nobody's. */
const FOREIGN_MS = 3_600_000;
export const removed = 'the sink is in no config any more';

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
  slots: ReadonlyMap<string, SinkSlot>;
  /** Others deliver from the same outbox. */
  shared: boolean;
  log: DeliveryLog;
  epochMs(): number;
  sweepMs: number;
  onChange(): void;
}): Tidier {
  const { outbox, slots, log, epochMs } = parts;
  let known: DisabledSink[] | null = null;
  let sweptAt = Number.NEGATIVE_INFINITY;

  return {
    gone(config, problem) {
      const slot = slots.get(config.name);
      if (slot === undefined || slot.disabled !== null) return;
      slot.turnOff(problem);
      const fields = { kind: 'events', sink: config.name };
      log.error(fields, `sink ${config.name} is off until its config changes: its receiver ${problem}`);
      const disabled = {
        ...{ name: config.name, config: fingerprint(config), problem },
        disabledAtMs: epochMs(),
      };
      known = [...(known ?? []).filter(({ name }) => name !== config.name), disabled];
      outbox.disable(disabled).catch(() => {
        // Said again by the next that is answered 410.
        slot.turnOff(null);
      });
      sweptAt = Number.NEGATIVE_INFINITY;
      parts.onChange();
    },

    async applyDisabled() {
      known ??= await outbox.disabled();
      for (const { name, config, problem } of known) {
        const slot = slots.get(name);
        if (slot === undefined) continue;
        const same = fingerprint(slot.config) === config;
        slot.turnOff(same ? problem : null);
        if (same) continue;
        await outbox.enable(name);
        known = known.filter((one) => one.name !== name);
      }
    },

    async sweep() {
      const nowMs = epochMs();
      if (nowMs - sweptAt < parts.sweepMs) return;
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
      sweptAt = nowMs;
    },

    soon() {
      sweptAt = Number.NEGATIVE_INFINITY;
    },
  };
}
