import type { Config } from '../../config/index.ts';
import { createAlerts, type EventDraft, type Events, trafficSample } from '../../events/index.ts';
import type { Figures } from '../../metrics/index.ts';
import type { NetworkHealth } from '../../upstream/index.ts';
import type { Logger } from '../logs.ts';
import { createQuotaShare, type QuotaShareParts } from './quota-share.ts';
import { createSpending, type AskForecast } from './spending.ts';

/** Looks at what alerts wait for, once a second, as long as there are alerts. */
export interface AlertKeeper {
  /** The config that holds from now on. */
  update(config: Pick<Config, 'alerts'>): void;
  close(): void;
}

export interface AlertKeeperParts extends QuotaShareParts {
  events: Events;
  figures: Pick<Figures, 'totals' | 'methods'>;
  health(): readonly Pick<NetworkHealth, 'network' | 'upstreams'>[];
  /** Epoch milliseconds since when usage waits for the ledger; null: it does not, or there is none. */
  usageWaitsSinceMs(): number | null;
  /** null: there is no store. */
  forecast: AskForecast | null;
  logger: Pick<Logger, 'warn' | 'info'>;
  now(): number;
}

const LOOK_MS = 1000;

export function createAlertKeeper(parts: AlertKeeperParts): AlertKeeper {
  const { events, figures, now, wallMs } = parts;
  const quotaShare = createQuotaShare(parts);
  const spending = createSpending(parts);
  let timer: NodeJS.Timeout | undefined;

  const alerts = createAlerts({
    events: {
      emit(draft) {
        logAlert(parts.logger, draft);
        events.emit(draft);
      },
    },
    epochMs: wallMs,
    gauge(metric, { network, user }) {
      if (metric === 'upstreams_down') return upstreamsDown(parts.health(), network);
      if (metric === 'quota_used') return quotaShare.read();
      if (metric === 'spend_forecast') return user === null ? null : spending.read(user);
      const since = parts.usageWaitsSinceMs();
      return since === null ? 0 : Math.max(0, wallMs() - since) / 1000;
    },
  });

  return {
    update({ alerts: rules }) {
      alerts.update(rules.map(({ min_calls: minCalls, ...rule }) => ({ ...rule, minCalls })));
      const about = (metric: string) => rules.filter(({ when }) => when.metric === metric);
      quotaShare.watch(about('quota_used').length > 0);
      spending.watch(about('spend_forecast').flatMap(({ user }) => user ?? []));
      if (rules.length === 0) {
        clearInterval(timer);
        timer = undefined;
      } else timer ??= setInterval(() => alerts.look(trafficSample(figures, now())), LOOK_MS);
    },
    close() {
      clearInterval(timer);
      quotaShare.watch(false);
      spending.watch([]);
    },
  };
}

function upstreamsDown(networks: ReturnType<AlertKeeperParts['health']>, network: string | null): number {
  return networks
    .filter((one) => network === null || one.network === network)
    .flatMap(({ upstreams }) => upstreams)
    .filter(({ state }) => state === 'down').length;
}

function logAlert(logger: AlertKeeperParts['logger'], { type, data }: EventDraft): void {
  if (type === 'alert.firing')
    logger.warn({ kind: 'alert', ...data }, `alert ${data.alert} fires: ${data.when}`);
  else if (type === 'alert.resolved') logger.info({ kind: 'alert', ...data }, `alert ${data.alert} is over`);
}
