import type { NetworkConfig, UpstreamConfig } from './config.ts';
import { optionalParts } from './ethereum-methods.ts';
import type { Registries } from './registries.ts';
import type { NetworkPolicy, UpstreamPolicy } from './snapshot.ts';

/** Networks and upstreams as the workers use them. Names keep their slots for as long as they are configured. */
export function compileNetworks(networks: readonly NetworkConfig[], registries: Registries): NetworkPolicy[] {
  const { networkSlots, upstreamSlots } = registries;
  networkSlots.retain(new Set(networks.map(({ name }) => name)));
  upstreamSlots.retain(
    new Set(networks.flatMap(({ name, upstreams }) => upstreams.map((one) => `${name}/${one.name}`))),
  );
  return networks.map((network, index) => ({
    index,
    name: network.name,
    path: network.path,
    upstreams: network.upstreams.map((upstream, place) =>
      compileUpstream(upstream, place, upstreamSlots.numberOf(`${network.name}/${upstream.name}`)),
    ),
    slot: networkSlots.numberOf(network.name),
    ...compileSettings(network),
  }));
}

function compileSettings(
  network: NetworkConfig,
): Omit<NetworkPolicy, 'index' | 'name' | 'path' | 'upstreams' | 'slot'> {
  const { health, breaker, retry, hedge, shed, cache } = network;
  return {
    kind: network.kind,
    chainId: network.chain_id,
    timeoutMs: network.timeout,
    maxBlockLag: network.max_block_lag,
    health: {
      intervalMs: health.interval,
      timeoutMs: health.timeout,
      call: health.call && { ...health.call },
    },
    breaker: {
      windowMs: breaker.window,
      failures: breaker.failures,
      failureRate: breaker.failure_rate,
      openMs: breaker.open,
      trials: breaker.trials,
    },
    retry: {
      attempts: retry.attempts,
      backoffMs: retry.backoff,
      backoffMaxMs: retry.max_backoff,
      budget: retry.budget,
    },
    hedge: hedge.enabled
      ? { quantile: hedge.quantile, minDelayMs: hedge.min_delay, maxDelayMs: hedge.max_delay }
      : null,
    shed: {
      queue: shed.queue,
      queueTimeoutMs: shed.queue_timeout,
      reserve: shed.reserve,
      maxInFlightPerCaller: shed.max_in_flight_per_caller,
    },
    cache: cache.enabled
      ? {
          maxBytes: cache.max_bytes,
          maxEntryBytes: Math.min(cache.max_entry_bytes, cache.max_bytes),
          headTtlMs: cache.head_ttl,
          finalityDepth: cache.finality_depth,
          methods: Object.entries(cache.methods).map(([pattern, ttlMs]) => ({ pattern, ttlMs })),
          shared: cache.shared ? { ttlMs: cache.shared_ttl, maxValueBytes: cache.shared_max_bytes } : null,
        }
      : null,
    coalesce: network.coalesce,
    subscriptions: {
      pollIntervalMs: network.subscriptions.poll_interval,
      maxBackfill: network.subscriptions.max_backfill,
    },
  };
}

function compileUpstream(upstream: UpstreamConfig, index: number, slot: number): UpstreamPolicy {
  const { url, batch, methods, lacks } = upstream;
  return {
    index,
    slot,
    tier: upstream.tier,
    weight: upstream.weight,
    name: upstream.name,
    url: url.origin,
    host: url.host,
    port: url.port,
    path: url.path,
    tls: url.tls,
    ws: websocketOf(upstream),
    hostHeader: url.hostHeader,
    http2: upstream.http2,
    ca: upstream.tls?.certificates ?? null,
    authorization: upstream.authorization,
    headers: Object.entries(upstream.headers),
    mode: upstream.mode,
    maxIdle: upstream.max_idle,
    idleTimeoutMs: upstream.idle_timeout,
    maxConnections: upstream.max_connections,
    connectTimeoutMs: upstream.connect_timeout,
    firstByteTimeoutMs: upstream.first_byte_timeout,
    timeoutMs: upstream.timeout,
    maxResponseBytes: upstream.max_response_bytes,
    batch: { maxSize: batch.max_size, maxBytes: batch.max_bytes, maxWaitMs: batch.max_wait },
    maxInFlight: upstream.max_in_flight,
    requestsPerSecond: upstream.requests_per_second,
    methods: { allowed: [...methods.allowed], denied: deniedOf(upstream) },
    archive: !lacks.includes('archive'),
  };
}

function websocketOf({ ws_url: url, authorization }: UpstreamConfig): UpstreamPolicy['ws'] {
  if (url === null) return null;
  const { tls, hostHeader, path } = url;
  return {
    url: `ws${tls ? 's' : ''}://${hostHeader}${path}`,
    authorization: url.authorization ?? authorization,
  };
}

/** Patterns it is never called for, those of what it lacks included. */
export function deniedOf({ methods, lacks }: Pick<UpstreamConfig, 'methods' | 'lacks'>): string[] {
  const missing = lacks.flatMap((part) => (part === 'archive' ? [] : optionalParts[part]));
  return [...new Set([...methods.denied, ...missing])];
}
