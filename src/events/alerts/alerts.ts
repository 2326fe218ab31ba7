import type { AlertCondition, AlertMetric, Severity } from '../../config/index.ts';
import type { Events } from '../event.ts';
import { type AlertChange, type AlertState, createAlertState } from './alert-state.ts';
import { createTraffic, type TrafficMetric } from './traffic.ts';
import type { TrafficSample } from './traffic-sample.ts';

export interface AlertRule {
  name: string;
  when: AlertCondition;
  severity: Severity;
  sinks: readonly string[];
  network: string | null;
  user: string | null;
  minCalls: number;
}

export type GaugeMetric = Exclude<AlertMetric, TrafficMetric>;

/** What is no sum over time: as it is now, in the metric’s unit. null: not known. */
export type ReadGauge = (metric: GaugeMetric, rule: AlertRule) => number | null;

/** All alerts. Tells each change once. */
export interface Alerts {
  /** The rules from now on: what stays the same goes on as it is; what fires and is taken away is resolved. */
  update(rules: readonly AlertRule[]): void;
  /** Looks at all rules. */
  look(sample: TrafficSample): void;
}

export interface AlertsDeps {
  events: Events;
  gauge: ReadGauge;
  epochMs(): number;
}

interface Watched {
  rule: AlertRule;
  state: AlertState;
  /** The rule as it fired: whoever was told of the beginning is told of the end. */
  fired: AlertRule | null;
}

export function createAlerts({ events, gauge, epochMs }: AlertsDeps): Alerts {
  const traffic = createTraffic();
  let watched = new Map<string, Watched>();
  let atMs = 0;

  function tell(one: Watched, change: AlertChange | null): void {
    if (change === null) return;
    const { name, when, severity, sinks } = one.fired ?? one.rule;
    one.fired = change.kind === 'firing' ? one.rule : null;
    const now = epochMs();
    const about = { subject: `alert:${name}`, severity, atMs: now, sinks };
    const data = { alert: name, when: when.text };
    if (change.kind === 'firing') {
      const since = new Date(now - (atMs - change.sinceMs)).toISOString();
      const { threshold } = when;
      events.emit({
        ...about,
        type: 'alert.firing',
        data: { ...data, value: change.value, threshold, since },
      });
    } else {
      const { value, firedMs } = change;
      const how = { value, firedMs: Math.round(firedMs) };
      events.emit({ ...about, type: 'alert.resolved', data: { ...data, ...how } });
    }
  }

  return {
    update(rules) {
      const next = new Map<string, Watched>();
      for (const rule of rules) {
        const before = watched.get(identityOf(rule));
        const { state = createAlertState(rule.when), fired = null } = before ?? {};
        next.set(identityOf(rule), { rule, state, fired });
      }
      for (const [id, one] of watched) if (!next.has(id)) tell(one, one.state.end(atMs));
      watched = next;
    },
    look(sample) {
      traffic.add(sample);
      ({ atMs } = sample);
      for (const one of watched.values()) {
        const { rule, state } = one;
        const { metric, forMs } = rule.when;
        const value = isTraffic(metric)
          ? traffic.read(metric, { forMs, callsMin: rule.minCalls, network: rule.network })
          : gauge(metric, rule);
        tell(one, state.read(value, atMs));
      }
    },
  };
}

/** A rule that waits for something else begins anew. */
function identityOf({ name, when, network, user }: AlertRule): string {
  return JSON.stringify([name, when.text, network, user]);
}

const trafficMetrics: Record<AlertMetric, boolean> = {
  refused_ratio: true,
  error_ratio: true,
  latency_p50: true,
  latency_p99: true,
  calls_per_second: true,
  quota_used: false,
  spend_forecast: false,
  upstreams_down: false,
  journal_lag: false,
};

function isTraffic(metric: AlertMetric): metric is TrafficMetric {
  return trafficMetrics[metric];
}
