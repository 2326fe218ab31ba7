import { setTimeout as delay } from 'node:timers/promises';
import { send } from '../../src/gateway/testing/client.ts';
import type { Sky } from './sky.ts';

/** Addresses that try one key after the other, are banned for it, and are let in again when the ban ends. */
export interface Intruders {
  /** One address, from its first call until its ban is over. */
  intrude(): Promise<void>;
  /** Those of which a ban was seen. */
  readonly banned: readonly string[];
  readonly ended: number;
  /** Keys that they tried. */
  readonly texts: readonly string[];
}

/** `blocklist.auto_ban`. */
export const autoBan = {
  ...{ threshold: 50, window: '30s', ban_for: '2s', growth: 1, ban_max: '2s' },
  weights: { rate_limited: 0, unauthorized: 10, invalid: 0, method_blocked: 0 },
};
const BAN_MS = 2000;
/** From the violation that is one too many to the ban, on all instances. */
const NOTICE_MS = 2000;
/** It is called from in between, and ends by a timer. */
const AROUND_MS = 1500;
const PAUSE_MS = 40;

export function createIntruders(options: {
  port(): number;
  sky: Sky;
  wrong(what: string): void;
  signal: AbortSignal;
  instances: number;
}): Intruders {
  const { port, sky, wrong, signal } = options;
  // Of several together at most one and a half times the threshold: docs/blocklist.md.
  const most = options.instances > 1 ? 8 : 5;
  const banned: string[] = [];
  const texts: string[] = [];
  let [numbered, ended] = [0, 0];

  async function intrude(): Promise<void> {
    numbered += 1;
    const address = `203.0.113.${numbered % 250}`;
    let [refusals, bannedMs, overdueMs] = [0, 0, 0];
    // Each address once.
    if (numbered >= 250) return;
    for (;;) {
      if (signal.aborted) return;
      const key = `pp_live_intruder-${numbered}-${(refusals += 1)}-of-nobody`;
      texts.push(key);
      const status = await attempt(address, key);
      const nowMs = performance.now();
      const troubled = (['process', 'redis', 'worker', 'clock', 'disk'] as const).some((one) =>
        sky.during(one, nowMs - BAN_MS - 4000, nowMs),
      );
      if (status === 403 && bannedMs === 0) {
        bannedMs = nowMs;
        banned.push(address);
        if (refusals < 5) wrong(`${address} was banned after ${refusals} calls`);
      }
      if (status === 401 && bannedMs === 0 && refusals >= most) {
        overdueMs ||= nowMs + NOTICE_MS;
        if (nowMs > overdueMs && !troubled)
          return wrong(`${address} called ${refusals} times and was not banned`);
      }
      if (bannedMs > 0 && status === 401) {
        const tookMs = nowMs - bannedMs;
        // Another instance may hear of the ban a moment after the first.
        if (tookMs < AROUND_MS) continue;
        ended += 1;
        if (tookMs < BAN_MS - AROUND_MS && !troubled) wrong(`the ban of ${address} ended after ${tookMs} ms`);
        return;
      }
      if (bannedMs > 0 && nowMs - bannedMs > BAN_MS + AROUND_MS) {
        // A ban holds until a time of the day: a clock that was set back makes it longer.
        if (sky.during('clock', bannedMs, nowMs)) return;
        if (!troubled) return wrong(`the ban of ${address} did not end`);
      }
      if (![401, 403, 0].includes(status)) wrong(`${address}: ${status} for a key of nobody`);
      await delay(PAUSE_MS);
    }
  }

  async function attempt(address: string, key: string): Promise<number> {
    try {
      const headers = { 'x-api-key': key, 'x-forwarded-for': address };
      const body = '{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[]}';
      return (await send(port(), { headers, body })).status;
    } catch {
      return 0;
    }
  }

  return {
    intrude,
    banned,
    texts,
    get ended() {
      return ended;
    },
  };
}
