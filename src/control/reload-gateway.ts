import { type AdminServer, isLoopbackHost } from '../admin/index.ts';
import { type Config, planChange, type TlsMaterial, watchConfig } from '../config/index.ts';
import type { BanKeeper } from './blocklist/ban-keeper.ts';
import { type Configuration, type createConfigReader, secretsOf } from './configuration.ts';
import type { DataPlane } from './data-plane.ts';
import type { OpenLog } from './logs.ts';
import { sayOurselves, upstreamsOf } from './ourselves.ts';
import type { PolicyKeeper } from './policy-keeper.ts';
import { createReloader, type ReloadResult } from './reload.ts';
import type { HealthMonitor } from '../upstream/index.ts';
import type { Hub } from '../websocket/index.ts';
import type { AlertKeeper } from './alerts/alert-keeper.ts';
import type { EventsKeeper } from './events/events-keeper.ts';
import { findSelf } from './self-probe.ts';
import type { StoreKeeper } from './store/store-keeper.ts';

export interface GatewayReloadParts {
  /** What the process was started with. */
  config: Config;
  files: readonly string[];
  /** Epoch milliseconds at which it began to read them. */
  readAtMs: number;
  tls: TlsMaterial | null;
  readConfig: ReturnType<typeof createConfigReader>;
  policy: PolicyKeeper;
  dataPlane: DataPlane;
  health: HealthMonitor;
  hub: Hub;
  bans: Pick<BanKeeper, 'configure'>;
  admin: AdminServer | null;
  store: Pick<StoreKeeper, 'reloaded'> | null;
  log: OpenLog;
  instanceId: string;
  watch: boolean;
  events: Pick<EventsKeeper, 'reloaded'>;
  alerts: AlertKeeper;
  onResult(result: ReloadResult): void;
}

export interface GatewayReload {
  reload(): Promise<ReloadResult>;
  close(): void;
}

/** An upstream that is new in a reload is asked whether it is us, but a slow one must not hold the reload up. */
const probeTimeoutMs = 500;

/** Reloads the config of a running gateway when its files change or somebody asks. */
export function createGatewayReload(parts: GatewayReloadParts): GatewayReload {
  const { policy, dataPlane, health, hub, admin, log } = parts;
  const { logger } = log;
  let { tls } = parts;
  const { listen: adminListen } = parts.config.admin;
  // Its address holds until a restart: a file that moves it to loopback and drops the token must not open it meanwhile.
  const adminIsOpen = adminListen !== 'none' && !isLoopbackHost(adminListen.host);
  let adminToken = parts.config.admin.token;
  let closed = false;
  let read: Configuration | undefined;

  const reload = createReloader<Config>({
    started: parts.config,
    now: () => performance.now(),
    async read() {
      if (closed) return { problems: ['the gateway is shutting down'] };
      const configuration = parts.readConfig();
      if (parts.watch) watching.setFiles(configuration.files);
      if (!('config' in configuration)) return { problems: configuration.problems };
      read = configuration;
      return { config: configuration.config };
    },
    current: () => ({ config: policy.config, generation: policy.snapshot.generation }),
    same: sameConfig,
    plan: planChange,
    async objection(config) {
      const known = new Set(upstreamsOf(policy.config).map(({ url }) => url));
      const added = upstreamsOf(config).filter(({ url }) => !known.has(url));
      const own = await findSelf(added, parts.instanceId, probeTimeoutMs);
      return own.length === 0 ? null : sayOurselves(own);
    },
    async apply(config) {
      log.addSecrets(secretsOf(config));
      const { generation } = policy.adopt(config);
      // Before workers enforce what was only simulated.
      parts.bans.configure(config, policy.snapshot);
      health.update(policy.snapshot);
      // The workers hear of a network that is gone before the hub ends its feeds: they say why to its sockets.
      const takenOver = dataPlane.apply();
      hub.update(policy.snapshot);
      logger.level = config.logging.level;
      adminToken = config.admin.token ?? (adminIsOpen ? adminToken : null);
      admin?.setAccess({ token: adminToken, allowedHosts: config.admin.allowed_hosts });
      const { late } = await takenOver;
      policy.applied(generation, late.length === 0);
      parts.store?.reloaded(config);
      parts.alerts.update(config);
      return { generation, late };
    },
    onResult(result) {
      parts.onResult(result);
      if (result.outcome !== 'refused' && read !== undefined) takeTls(read.tls);
      logResult(result);
      parts.events.reloaded(result, policy.config);
      for (const warning of result.outcome === 'applied' ? (read?.warnings() ?? []) : [])
        logger.warn(warning);
    },
  });

  const takeTls = (next: TlsMaterial | null) => {
    // Turning TLS on or off waits for a restart; the plan says so.
    if (tls === null || next === null || (tls.cert === next.cert && tls.key === next.key)) return;
    tls = next;
    dataPlane.setTls(next);
    logger.info('the TLS certificate was replaced');
  };

  const logResult = ({
    outcome,
    generation,
    problems,
    changes,
    restartNeeded,
    late,
    tookMs,
  }: ReloadResult) => {
    if (outcome === 'refused') {
      logger.error(
        { problems, tookMs },
        `config not reloaded, the old one goes on: ${problems[0] ?? 'unknown reason'}`,
      );
      return;
    }
    const facts = { generation, changes, tookMs, workersLate: late.length > 0 ? late : undefined };
    logger.info(facts, outcome === 'applied' ? 'config reloaded' : 'config reloaded, nothing changed');
    for (const sentence of restartNeeded) logger.warn(`waits for a restart: ${sentence}`);
  };

  const watching = watchConfig({
    files: parts.watch ? parts.files : [],
    readAtMs: parts.readAtMs,
    debounceMs: 10,
    onChange: (since) => void reload(since),
  });

  return {
    reload: () => reload(),
    close() {
      closed = true;
      watching.close();
      parts.alerts.close();
    },
  };
}

/** Keys whose text in the file did not change are the same objects, which makes this quick where there are many. */
function sameConfig({ keys, ...rest }: Config, { keys: otherKeys, ...otherRest }: Config): boolean {
  const text = (value: unknown) => JSON.stringify(value);
  if (keys.length !== otherKeys.length || text(rest) !== text(otherRest)) return false;
  return keys.every((key, index) => key === otherKeys[index] || text(key) === text(otherKeys[index]));
}
