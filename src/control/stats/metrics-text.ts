import {
  createFigureSamples,
  createMetricsPage,
  type FamilyName,
  families,
  labelText,
  type MetricsFormat,
  type MetricsPage,
  threadAt,
} from '../../metrics/index.ts';
import type { StatsSources } from './sources.ts';
import { upstreamViews } from './upstream-views.ts';

const breakerStates = ['closed', 'open', 'half-open'] as const;

/** Writes one value; names that are not defined do not compile. */
type Add = (family: FamilyName, values: readonly string[], value: number) => void;

/** The page of `/metrics`. Keeps what does not change from one to the next. */
export function createMetricsText(sources: StatsSources): (format: MetricsFormat) => string {
  const writeFigures = createFigureSamples(sources.figures);
  return (format) => {
    const page = createMetricsPage(format);
    writeFigures(page);
    writeMain(page, sources);
    return page.text();
  };
}

function writeMain(page: MetricsPage, sources: StatsSources): void {
  const add: Add = (family, values, value) =>
    page.add(family, labelText(families[family]!.labels, values), value);
  writeUpstreams(add, sources);
  writeStore(add, sources);
  writeRedis(add, sources);
  writeEvents(add, sources);
  for (const [result, count] of Object.entries(sources.reloads))
    add('polymorph_config_reloads_total', [result], count);
  add('polymorph_config_last_reload_successful', [], sources.reloadSucceeded() ? 1 : 0);
  add('polymorph_config_generation', [], sources.config().generation);
  add('polymorph_callers', ['key'], sources.figures.keys.size);
  add('polymorph_callers', ['address'], sources.figures.listedAddresses());
  writeThreads(add, sources);
  add('polymorph_build_info', [sources.version], 1);
  const { user, system } = process.cpuUsage();
  add('process_cpu_seconds_total', [], (user + system) / 1e6);
  add('process_resident_memory_bytes', [], process.memoryUsage.rss());
  add('process_start_time_seconds', [], performance.timeOrigin / 1000);
}

function writeUpstreams(add: Add, sources: StatsSources): void {
  for (const { network, upstream, state, breaker, head, lag } of upstreamViews(sources)) {
    const of = [network, upstream];
    if (state !== 'unknown') add('polymorph_upstream_up', of, state === 'up' ? 1 : 0);
    for (const each of breakerStates)
      add('polymorph_upstream_breaker', [...of, each], each === breaker ? 1 : 0);
    if (head !== null) add('polymorph_upstream_head_block', of, head);
    if (lag !== null) add('polymorph_upstream_lag_blocks', of, lag);
  }
  for (const { network, head } of sources.health())
    if (head !== null) add('polymorph_network_head_block', [network], head.number);
}

function writeStore(add: Add, sources: StatsSources): void {
  const store = sources.store();
  if (store === null) return;
  const { lagBytes, behindSinceMs, damage } = store.journals;
  add('polymorph_store_up', [], store.up ? 1 : 0);
  add('polymorph_store_restarts_total', [], store.restarts);
  add('polymorph_journal_lag_bytes', [], lagBytes);
  const behindMs = behindSinceMs === null ? 0 : Math.max(0, sources.wallMs() - behindSinceMs);
  add('polymorph_journal_behind_seconds', [], behindMs / 1000);
  add('polymorph_journal_damaged', [], damage.length);
}

function writeRedis(add: Add, sources: StatsSources): void {
  const redis = sources.redis();
  if (redis === null) return;
  const { answered, refused, timedOut, lost, seconds } = redis.commands;
  add('polymorph_redis_up', [], redis.away ? 0 : 1);
  add('polymorph_redis_losses_total', [], redis.losses);
  const results = { answered, refused, timed_out: timedOut, lost };
  for (const [result, count] of Object.entries(results))
    add('polymorph_redis_commands_total', [result], count);
  add('polymorph_redis_command_seconds_total', [], seconds);
  add('polymorph_redis_instances', [], redis.members.length);
  add('polymorph_redis_leases', [], redis.leases);
}

function writeEvents(add: Add, sources: StatsSources): void {
  const { emitted, waiting, lost, sinks } = sources.events();
  for (const [type, count] of Object.entries(emitted)) add('polymorph_billing_events_total', [type], count);
  add('polymorph_events_waiting', [], waiting);
  add('polymorph_events_lost_total', [], lost);
  for (const [name, sink] of Object.entries(sinks)) {
    const works = sink.breaker === 'closed' && sink.disabled === null && !sink.broken;
    add('polymorph_sink_up', [name], works ? 1 : 0);
    add('polymorph_sink_deliveries_waiting', [name], sink.waiting + sink.inFlight);
    for (const outcome of ['delivered', 'retried', 'dead'] as const)
      add('polymorph_sink_deliveries_total', [name, outcome], sink[outcome]);
  }
  add('polymorph_bans', [], sources.bans());
  for (const [by, count] of Object.entries(sources.bansMade())) add('polymorph_bans_made_total', [by], count);
}

function writeThreads(add: Add, { workers, mainLoop, mainHeapBytes, figures }: StatsSources): void {
  const states = new Map<string, number>();
  let restarts = 0;
  for (const worker of workers()) {
    states.set(worker.state, (states.get(worker.state) ?? 0) + 1);
    restarts += worker.restarts;
  }
  for (const [state, count] of states) add('polymorph_workers', [state], count);
  add('polymorph_worker_restarts_total', [], restarts);
  const thread = (name: string, lagMicros: number, maxLagMicros: number, heapBytes: number) => {
    add('polymorph_event_loop_lag_seconds', [name], lagMicros / 1e6);
    add('polymorph_event_loop_max_lag_seconds', [name], maxLagMicros / 1e6);
    add('polymorph_heap_bytes', [name], heapBytes);
  };
  const { lagMicros, maxLagMicros } = mainLoop();
  thread('main', lagMicros, maxLagMicros, mainHeapBytes());
  for (const [worker, numbers] of figures.threads.entries())
    thread(
      `worker ${worker}`,
      numbers[threadAt.lagMicros]!,
      numbers[threadAt.maxLagMicros]!,
      numbers[threadAt.heapBytes]!,
    );
}
