import { type CounterDefinition, definitions } from './definitions.ts';

/** A family of metrics, as Prometheus and the docs have it. */
export interface FamilyDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

function counter(help: string, ...labels: string[]): FamilyDefinition {
  return { type: 'counter', help, labels };
}
function gauge(help: string, ...labels: string[]): FamilyDefinition {
  return { type: 'gauge', help, labels };
}
function histogram(help: string, ...labels: string[]): FamilyDefinition {
  return { type: 'histogram', help, labels };
}

const byMethod = ['network', 'method'] as const;
const byUpstream = ['network', 'upstream'] as const;

/**
 * Every family but those of a worker's plain counters. Base units; no label is a key or an address, and each has few values: networks,
 * upstreams and rules are the config's, `method` is a name or pattern of the config, well known, or `other`.
 */
const written = {
  polymorph_requests_total: counter(
    'JSON-RPC calls by what was decided: each call, item of a batch and notification once',
    ...byMethod,
    'outcome',
  ),
  polymorph_rate_limited_total: counter('Calls refused by a limit', ...byMethod),
  polymorph_burst_used_total: counter('Calls let in that used the burst of a limit', ...byMethod),
  polymorph_request_duration_seconds: histogram(
    'Time from the last byte of an answered call to its answer',
    ...byMethod,
  ),
  polymorph_billing_events_total: counter('Events made, by type', 'type'),
  polymorph_config_reloads_total: counter('Reloads of the config by result', 'result'),

  polymorph_failed_requests_total: counter(
    'Calls let in that ended in an error of the gateway, or without an answer of an upstream',
    ...byMethod,
  ),
  polymorph_node_errors_total: counter('Calls answered with an error of the node’s own', ...byMethod),
  polymorph_answers_total: counter(
    'Calls answered, by where the answer came from: upstream, cache, or joined (an identical call under way)',
    ...byMethod,
    'source',
  ),
  polymorph_cost_units_total: counter('Cost units of answered calls and of events', ...byMethod),
  polymorph_request_proxy_seconds_total: counter(
    'Time of answered calls in the gateway, without that at upstreams',
    ...byMethod,
  ),
  polymorph_request_upstream_seconds_total: counter('Time of answered calls at upstreams', ...byMethod),
  polymorph_proxy_duration_seconds: histogram(
    'Time of an answered call in the gateway, without that between its being sent to an upstream and its answer',
  ),
  polymorph_limit_wait_duration_seconds: histogram(
    'Time that calls waited for a lease of tokens, or for Redis to decide an exact limit; those that did not wait are not counted',
  ),
  polymorph_shadow_refused_total: counter('Calls that a rule in shadow mode would have refused', 'rule'),

  polymorph_upstream_calls_total: counter('Calls sent to an upstream, repetitions included', ...byUpstream),
  polymorph_upstream_failures_total: counter(
    'Calls sent to an upstream that brought no usable answer',
    ...byUpstream,
  ),
  polymorph_upstream_duration_seconds: histogram(
    'Time from a call being sent to an upstream to its answer',
    ...byUpstream,
  ),
  polymorph_upstream_connections_total: counter('Connections opened to an upstream', ...byUpstream),
  polymorph_upstream_exchanges_total: counter(
    'HTTP exchanges with an upstream: one may carry a batch',
    ...byUpstream,
  ),
  polymorph_upstream_received_bytes_total: counter('Bytes received from an upstream', ...byUpstream),
  polymorph_upstream_sent_bytes_total: counter('Bytes sent to an upstream', ...byUpstream),
  polymorph_upstream_connections_open: gauge('Connections to an upstream that are open', ...byUpstream),
  polymorph_upstream_calls_in_flight: gauge('Calls that an upstream has now', ...byUpstream),
  polymorph_upstream_up: gauge('1: its checks are good, 0: it is down; none while unknown', ...byUpstream),
  polymorph_upstream_breaker: gauge('1 for the state that the circuit breaker is in', ...byUpstream, 'state'),
  polymorph_upstream_head_block: gauge('Latest block that an upstream is known to have', ...byUpstream),
  polymorph_upstream_lag_blocks: gauge('Blocks that an upstream is behind the network’s head', ...byUpstream),
  polymorph_network_head_block: gauge('Latest block of a network', 'network'),

  polymorph_events_waiting: gauge('Events on their way into the outbox'),
  polymorph_events_lost_total: counter(
    'Events that the outbox did not take for too long, or had no room for',
  ),
  polymorph_sink_up: gauge('1: the sink takes events; 0: its breaker is open, or it was turned off', 'sink'),
  polymorph_sink_deliveries_waiting: gauge('Deliveries that this instance has claimed and not ended', 'sink'),
  polymorph_sink_deliveries_total: counter(
    'Attempts by what came of them: dead ones failed for good and are kept',
    'sink',
    'outcome',
  ),
  polymorph_bans: gauge('Addresses and networks that are banned'),
  polymorph_bans_made_total: counter(
    'Bans that this gateway made: by what an address did (`auto`), or as its admin listener was asked to (`operator`)',
    'by',
  ),

  polymorph_config_generation: gauge('Generation of the policy: counts up with each change of it'),
  polymorph_config_last_reload_successful: gauge('0: the config was refused at the last reload, else 1'),
  polymorph_store_up: gauge('1: the store answers'),
  polymorph_store_restarts_total: counter('Times that the store’s thread was replaced'),
  polymorph_redis_up: gauge('1: Redis serves; 0: it is away, and limits go on by this instance’s share'),
  polymorph_redis_losses_total: counter('Times that Redis went away'),
  polymorph_redis_commands_total: counter(
    'Commands for Redis by what came of them, of the connection that leases and the other instances are asked for by: `refused` was answered with an error, `lost` was not sent or lost its connection',
    'result',
  ),
  polymorph_redis_command_seconds_total: counter('Time to the answer, of the commands that were answered'),
  polymorph_redis_instances: gauge('Instances that share Redis, this one included, as it last heard'),
  polymorph_redis_leases: gauge('Buckets of which this instance holds tokens ahead of their use'),
  polymorph_journal_lag_bytes: gauge('Usage in the journals that is not in the ledger yet'),
  polymorph_journal_behind_seconds: gauge(
    'How long the ledger has taken nothing; 0: it takes all that comes',
  ),
  polymorph_journal_damaged: gauge('Places in usage journals that cannot be read'),

  polymorph_callers: gauge(
    'Callers that are counted one by one: keys that called, addresses listed (once for each worker that lists them)',
    'kind',
  ),
  polymorph_workers: gauge('Worker threads by state', 'state'),
  polymorph_worker_restarts_total: counter('Workers that died and were replaced'),
  polymorph_event_loop_lag_seconds: gauge('Mean delay of a thread’s event loop over ten seconds', 'thread'),
  polymorph_event_loop_max_lag_seconds: gauge(
    'Greatest delay of a thread’s event loop over ten seconds',
    'thread',
  ),
  polymorph_heap_bytes: gauge('JavaScript heap in use, by thread', 'thread'),
  polymorph_build_info: gauge('1; says the version', 'version'),
  process_cpu_seconds_total: counter('CPU time of the process, user and system'),
  process_resident_memory_bytes: gauge('Memory of the process that is resident'),
  process_start_time_seconds: gauge('When the process started, in seconds since 1970'),
} as const satisfies Record<string, FamilyDefinition>;

/** The family of a counter of the workers, as it is published. */
export function familyOf({ family }: CounterDefinition): string {
  return `polymorph_${family}`;
}

function counted(): Record<string, FamilyDefinition> {
  const families: Record<string, FamilyDefinition> = {};
  for (const definition of Object.values<CounterDefinition>(definitions)) {
    families[familyOf(definition)] = {
      type: definition.kind === 'total' ? 'counter' : 'gauge',
      help: definition.help,
      labels: definition.label === undefined ? [] : [definition.label[0]],
    };
  }
  return families;
}

/** All that `/metrics` may have, in its order. */
export const families: Readonly<Record<string, FamilyDefinition>> = { ...written, ...counted() };

export type FamilyName = keyof typeof written;
