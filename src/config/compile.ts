import { hash } from 'node:crypto';
import type { Config } from './config.ts';
import { createKeyTable } from './keys/key-table.ts';
import { patternMatches } from '../jsonrpc/index.ts';
import {
  cheapMethods,
  readMethods,
  stillMethods,
  transactionMethods,
  unsafeMethods,
} from './ethereum-methods.ts';
import { compileBlocklist } from './blocklist-compiler.ts';
import { factsOf } from './key-facts.ts';
import { compileNetworks } from './network-compiler.ts';
import type { Registries } from './registries.ts';
import { callerRanks, createRuleCompiler } from './rule-compiler.ts';
import { compileSocketBounds } from './socket-bounds.ts';
import { eventTypes, floodTypes, matchesEventType } from './schema/event-types.ts';
import type { MethodsPolicy, PolicySnapshot, ServerPolicy, WebsocketPolicy } from './snapshot.ts';

/**
 * Turns a checked config into what the workers use. 10,000 keys with limits of their own, in 50 distinct sets, take
 * 20 ms of CPU, and 7 to 19 when the keys are known from the last time (Node 26, on a busy machine). Throws RangeError
 * where shared memory has no number left for a rule or key: nothing has changed then.
 */
export function compile(
  config: Config,
  registries: Registries,
  table = createKeyTable(registries),
): PolicySnapshot {
  const networkIndex = new Map(config.networks.map(({ name }, index) => [name, index]));
  const compiler = createRuleCompiler(registries, networkIndex);
  const defaults = compiler.addSet(config.limits, callerRanks);
  const ceilings = config.limits.ceilings.map((ceiling) => ({
    rule: compiler.add(ceiling, `ceiling:${ceiling.name}`, 'ceiling'),
    per: ceiling.per,
  }));
  const socketBounds = compileSocketBounds(config.websocket, compiler);
  const keys = table.prepare(config);
  const networks = compileNetworks(config.networks, registries);
  return {
    generation: registries.nextGeneration(),
    networks,
    server: compileServer(config),
    websocket: compileWebsocket(config),
    identity: { anonymous: config.identity.anonymous, ipv6Prefix: config.identity.ipv6_prefix },
    blocklist: compileBlocklist(config),
    methods: compileMethods(config),
    rules: compiler.rules,
    defaults,
    ceilings,
    socketBounds,
    ...keys.commit(),
    limitHeaders: config.limits.headers,
    chargeCached: config.limits.charge_cached,
    explain: {
      keepMs: config.explain.keep,
      sample: config.explain.sample,
      maxRecords: config.explain.max_records,
    },
    logging: {
      accessSample: config.logging.access_sample,
      accessMaxPerSecond: config.logging.access_max_per_second,
    },
    usage: { whenFull: config.usage.when_full },
    events: wantedEvents(config),
  };
}

/**
 * With a store all are kept, wanted by a sink or not; but floods of addresses only where a sink wants them: addresses are free, the disk is
 * not. Without a store only those that a sink has a use for.
 */
function wantedEvents({ store, events }: Config): PolicySnapshot['events'] {
  const patterns = events.sinks.flatMap((sink) => sink.events);
  const ofSinks = eventTypes.filter((type) => patterns.some((pattern) => matchesEventType(pattern, type)));
  if (store.kind === 'none') return { wanted: ofSinks, ofAnonymous: ofSinks };
  const ofAnonymous = eventTypes.filter((type) => !floodTypes.includes(type) || ofSinks.includes(type));
  return { wanted: [...eventTypes], ofAnonymous };
}

/** Versions that a snapshot itself names; those of keys' sets are the key table's to say. */
export function versionsOf(snapshot: PolicySnapshot): Set<number> {
  return new Set(snapshot.rules.map(({ version }) => version));
}

const hashes = new WeakMap<Config, string>();

/**
 * 16 hex digits of SHA-256 over what the config says; equal for files that mean the same, whatever their comments and
 * the order of their sections. Not part of the snapshot:
 * workers need no such thing, and with 10,000 keys a reload would wait 10 ms for it.
 */
export function configHash(config: Config): string {
  let known = hashes.get(config);
  if (known === undefined) {
    const { keys, ...rest } = config;
    const text = `${JSON.stringify(rest)}${keys.map((key) => factsOf(key).text).join()}`;
    known = hash('sha256', text, 'hex').slice(0, 16);
    hashes.set(config, known);
  }
  return known;
}

function compileWebsocket({ websocket }: Config): WebsocketPolicy {
  return {
    enabled: websocket.enabled,
    origins: [...websocket.origins],
    maxRefusals: websocket.max_refusals,
    sendBufferBytes: websocket.send_buffer,
    slowConsumers: websocket.slow_consumers,
    pingIntervalMs: websocket.ping_interval,
    pongTimeoutMs: websocket.pong_timeout,
    compression: websocket.compression,
  };
}

function compileServer({ server }: Config): ServerPolicy {
  const { cors } = server;
  return {
    maxBodyBytes: server.max_body_bytes,
    maxBatchSize: server.max_batch_size,
    maxHeaderBytes: server.max_header_bytes,
    headerTimeoutMs: server.header_timeout,
    requestTimeoutMs: server.request_timeout,
    idleTimeoutMs: server.idle_timeout,
    maxConnections: server.max_connections,
    maxConnectionsPerAddress: server.max_connections_per_address,
    trustedProxies: [...server.trusted_proxies],
    cors:
      cors.allow_origins.length === 0
        ? null
        : {
            allowOrigins: [...cors.allow_origins],
            allowHeaders: [...cors.allow_headers],
            maxAgeSeconds: Math.floor(cors.max_age / 1000),
          },
    drainTimeoutMs: server.drain_timeout,
    docsUrl: server.docs_url,
  };
}

function compileMethods({ methods }: Config): MethodsPolicy {
  return {
    groups: Object.entries(methods.groups).map(([name, patterns]) => ({ name, patterns: [...patterns] })),
    costs: Object.entries(methods.costs).map(([pattern, cost]) => ({ pattern, cost })),
    blocked: [...methods.blocked],
    cheap: [...cheapMethods, ...methods.cheap],
    unsafe: [...unsafeMethods, ...methods.unsafe],
    // What the operator holds unsafe is.
    safe: readMethods.filter((name) => !methods.unsafe.some((pattern) => patternMatches(pattern, name))),
    still: [...stillMethods],
    transactions: [...transactionMethods],
    critical: [...methods.critical],
  };
}
