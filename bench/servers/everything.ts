import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { callerKeys, refusedKey } from '../calls.ts';
import type { Context } from '../context.ts';
import { type Mode, modes, type Polymorph, startPolymorph } from './polymorph.ts';
import { startRedis } from './redis.ts';
import { startWebhookReceiver } from './webhook.ts';

/** All features at once, in each mode. The three are instances of one Redis, so each has two that share its limits and quotas. */
export interface Everything {
  servers: Record<Mode, Polymorph>;
  /** What was not on, once they were verified: a figure without it would say too little. */
  faults(): Promise<string[]>;
  stop(): Promise<void>;
}

const deniedNetworks = 20_000;
const eventsMs = 10_000;
const secret = `whsec_${Buffer.alloc(32, 'bench').toString('base64')}`;

/** Starts them with Redis and a receiver of webhooks beside them. */
export async function startEverything(context: Context, upstreamPort: number): Promise<Everything> {
  const redis = await startRedis(context);
  const hooks = await startWebhookReceiver();
  const denied = join(context.directory, 'denied.txt');
  writeFileSync(denied, deniedList(deniedNetworks));
  const nameOf = (mode: Mode): string => `everything-${mode}`;
  const start = (mode: Mode): Promise<Polymorph> =>
    startPolymorph(context, {
      ...{ name: nameOf(mode), mode, upstreamPorts: [upstreamPort], workers: 1, cores: context.cores.proxy },
      stateDir: join(context.directory, nameOf(mode)),
      keys: keysWithQuotas(),
      more: everythingOn(redis.url, `http://127.0.0.1:${hooks.port}/${nameOf(mode)}`, denied),
    });
  const servers = {
    single: await start('single'),
    pipelined: await start('pipelined'),
    batched: await start('batched'),
  };
  const untold = () =>
    modes.filter((mode) => !hooks.received.includes(`/${nameOf(mode)} rate_limit.exceeded`));
  return {
    servers,
    async faults() {
      for (const from = performance.now(); untold().length > 0 && performance.now() - from < eventsMs; )
        await sleep(50);
      return untold().map((mode) => `${nameOf(mode)}: no webhook told of the call that it refused`);
    },
    async stop() {
      for (const server of [...Object.values(servers), redis]) await server.stop();
      await hooks.stop();
    },
  };
}

function keysWithQuotas(): string {
  const quota = 'quota: { requests: 1000000000, period: month }';
  const callers = callerKeys.map((key, n) => `  - { name: caller-${n}, key: ${key}, ${quota} }`);
  const limits = 'limits: { methods: { eth_call: { requests: 1, period: 24h } } }';
  return ['keys:', ...callers, `  - { name: refused, key: ${refusedKey}, ${limits} }`].join('\n');
}

/** Beside the bench's own: keys, rules, a ceiling, headers, counters, health, breaker, retries, cache, coalescing; the store comes with its folder. */
const everythingOn = (redisUrl: string, hookUrl: string, denied: string): string => `redis: ${redisUrl}
usage: { raw_logs: sampled, raw_sample: 1% }
blocklist:
  deny: [198.51.100.0/24, 2001:db8::/32]
  deny_files: [${denied}]
  auto_ban: { threshold: 1000, window: 1m, ban_for: 10m }
events:
  sinks:
    - { name: hook, type: webhook, url: "${hookUrl}", secrets: [${secret}], allow_private: true }
    - { name: history, type: database }
alerts:
  - { name: many-refused, when: refused_ratio > 0.2 for 5m, sinks: [hook] }
  - { name: node-down, when: upstreams_down >= 1 for 1m }
explain: { sample: 1% }
logging: { access_sample: 0.1% }`;

/** Networks of addresses that no caller here has. */
function deniedList(count: number): string {
  return Array.from({ length: count }, (_, n) => `100.${64 + (n >> 8)}.${n & 255}.0/24\n`).join('');
}
