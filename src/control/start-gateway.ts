import { type Config, configHash } from '../config/index.ts';
import { trimHeap } from '../threads/index.ts';
import { createOperationsPort } from './blocklist/operations-port.ts';
import { configFacts } from './config-facts.ts';
import {
  type Configuration,
  type ConfigOverrides,
  type ConfigSource,
  createConfigReader,
  secretsOf,
} from './configuration.ts';
import { createEnding } from './ending.ts';
import { createExplainPort } from './explain-port.ts';
import { createInside, type InsideOptions } from './gateway-inside.ts';
import { listenerUrl } from './listener-url.ts';
import { type Logger, type OpenLog, openLog } from './logs.ts';
import { sayOurselves, upstreamsOf } from './ourselves.ts';
import { takePortTurn } from './port-turn.ts';
import { type Phase, readinessOf } from './readiness.ts';
import type { ReloadResult } from './reload.ts';
import { createGatewayReload } from './reload-gateway.ts';
import { findSelf } from './self-probe.ts';
import { createSocketsPort } from './sockets-port.ts';
import { startAdmin } from './start-admin.ts';
import { StartError, storeUnusable, workerFailed } from './start-error.ts';
import { createStats } from './stats/stats.ts';

export interface GatewayOptions extends InsideOptions {
  source: ConfigSource;
  overrides?: ConfigOverrides;
  version: string;
  /** Is standard output a terminal, and may it be coloured? Decides what `logging.format: auto` means. */
  terminal: boolean;
  colour: boolean;
  /** Watch the config's files. */
  watch: boolean;
  /** Where log lines go; default: standard output. */
  logOutput?: { write(line: string): void };
}

/** A running gateway. */
export interface Gateway {
  /** http or https URL of the public listener. */
  url: string;
  address: { host: string; port: number };
  /** null: turned off. */
  adminUrl: string | null;
  instanceId: string;
  logger: Logger;
  /** Reads the config again. Never rejects. */
  reload(): Promise<ReloadResult>;
  /**
   * Not ready from now on; finishes what is under way within `server.drain_timeout`, keeps the state of limits, and
   * resolves when all has ended. A second call waits for the first.
   */
  drain(): Promise<void>;
  /** Ends everything at once, keeping nothing. */
  stop(): Promise<void>;
}

const probeTimeoutMs = 1_000;
/** Nobody is served by a node of another chain just because it was not checked yet; a silent one holds up the start no longer. */
const firstChecksMs = 1_000;
/** Keys and quotas of the store, and usage of earlier runs. A store that is away holds the start up no longer than one try,
 * a command that holds its folder no longer than its patience. */
const storeLoadMs = 60_000;
/** Bans of all instances: a hundred thousand take some seconds. */
const bansJoinMs = 10_000;

/**
 * Starts the whole gateway and resolves when it serves. Rejects with StartError; nothing is left running then. Takes no
 * signals and ends no process: that is the caller's.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const readConfig = createConfigReader(options.source, options.env, options.overrides ?? {});
  const configuration = readConfig();
  if (!('config' in configuration)) throw new StartError('config_invalid', configuration.rendered);
  const log = openConfiguredLog(configuration.config, options);
  for (const warning of configuration.warnings()) log.logger.warn(warning);
  const undo: (() => unknown)[] = [() => log.flush()];
  try {
    return await compose(options, configuration, readConfig, log, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

async function compose(
  options: GatewayOptions,
  configuration: Configuration,
  readConfig: ReturnType<typeof createConfigReader>,
  log: OpenLog,
  undo: (() => unknown)[],
): Promise<Gateway> {
  const { config, tls, files, readAtMs } = configuration;
  const { logger } = log;
  const endTurn = await takePortTurn(config.server.listen.port);
  undo.push(endTurn);
  const inside = await createInside(options, configuration, log);
  const { address, instanceId, policy, dataPlane, health, hub, bans, store, events, alerts, cluster } =
    inside;
  dataPlane.prepare();
  undo.push(
    bans.stop,
    dataPlane.stop,
    health.stop,
    hub.close,
    () => store?.stop(),
    events.stop,
    () => cluster?.stop(),
  );

  const stats = createStats({
    ...inside,
    configHash: () => configHash(policy.config),
    version: options.version,
    wallMs: Date.now,
  });
  undo.push(stats.close);
  let phase: Phase = 'starting';
  let last: ReloadResult | undefined;
  const admin = await startAdmin(config, log, {
    instanceId,
    readiness: () =>
      readinessOf({
        phase,
        workers: dataPlane.states(),
        config: configFacts(policy, last),
        others: [
          ...(store?.checks() ?? []),
          ...(cluster?.watch.checks() ?? []),
          ...events.checks(),
          ...bans.checks(),
        ],
        networks: health.state(),
      }),
    operations: createOperationsPort({
      store: store?.operations ?? null,
      bans: bans.bans,
      config: () => policy.config,
      epochMs: bans.epochMs,
    }),
    sockets: createSocketsPort({ state: hub.state, keyByNumber: policy.keyByNumber }),
    explain: createExplainPort({
      limits: inside.limits.memory,
      bans: bans.memory,
      collector: dataPlane.explain,
      snapshot: () => policy.snapshot,
      keyByNumber: policy.keyByNumber,
      keysByName: policy.keysByName,
    }),
    metrics: stats.metrics,
    stats: stats.stats,
  });
  undo.push(() => admin?.server.close(0));
  const { reload, close } = createGatewayReload({
    ...inside,
    ...{ config, files, readAtMs, tls, readConfig, log },
    admin: admin?.server ?? null,
    watch: options.watch,
    onResult: (result) => {
      last = result;
      stats.reloaded(result);
    },
  });
  undo.push(close);

  health.update(policy.snapshot);
  hub.update(policy.snapshot);
  const adminUrl = admin?.url ?? null;
  if (admin !== null) store?.publishAdmin(admin.owner);
  const known = async (): Promise<void> => {
    await store?.loaded(storeLoadMs).catch(storeUnusable);
    await bans.join(bansJoinMs);
  };
  await Promise.all([health.firstChecks(firstChecksMs), known()]);
  await dataPlane.start().catch((error: unknown) => workerFailed(error, address));
  endTurn();
  await refuseOurselves(config, instanceId);
  trimHeap();
  phase = 'serving';
  cluster?.watch.began();
  events.began();
  alerts.update(config);
  const url = listenerUrl(config.server.tls === null ? 'http' : 'https', address);
  const { length: workers } = dataPlane.states();
  logger.info(
    { url, admin: adminUrl, workers, version: options.version, config: configHash(config) },
    'serving',
  );

  const ending = createEnding({
    ...inside,
    admin: admin?.server ?? null,
    log,
    close() {
      close();
      cluster?.watch.stop();
    },
  });
  // Calls under way are counted, and told to the others, up to the end.
  const drain = () => {
    phase = 'draining';
    return ending.drain().finally(stats.close);
  };
  const stop = () => ending.stop().finally(stats.close);
  const { host, port } = address;
  return { url, address: { host, port }, adminUrl, instanceId, logger, reload, drain, stop };
}

function openConfiguredLog(
  { logging, ...config }: Config,
  { terminal, colour, logOutput }: GatewayOptions,
): OpenLog {
  const format = logging.format === 'auto' ? (terminal ? 'pretty' : 'json') : logging.format;
  return openLog({
    level: logging.level,
    format,
    colour,
    output: logOutput,
    secrets: secretsOf({ ...config, logging }),
  });
}

async function refuseOurselves(config: Config, instanceId: string): Promise<void> {
  const own = await findSelf(upstreamsOf(config), instanceId, probeTimeoutMs);
  if (own.length > 0) throw new StartError('upstream_is_ourselves', sayOurselves(own));
}
