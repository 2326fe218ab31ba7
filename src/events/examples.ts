import type { CloudEvent, EventDataOf, EventType, Severity } from './event.ts';

interface Example<Type extends EventType> {
  subject: string;
  severity: Severity;
  data: EventDataOf<Type>;
}

const key = 'key:9hXq2Lw8 (acme)';
const first = { count: 1, windowMs: 0 };
const call = { network: 'mainnet', method: 'eth_getLogs' };
const rule = { policy: 'logs', limit: 10, burst: 20 };

/** One event of each type as it might come, for the documentation and for trying a sink. */
const examples: { [Type in EventType]: Example<Type> } = {
  'rate_limit.exceeded': {
    ...{ subject: key, severity: 'warning' },
    data: { count: 9999, windowMs: 60_000, ...call, ...rule, retryAfterMs: 740 },
  },
  'burst.used': { subject: key, severity: 'info', data: { ...first, ...call, ...rule } },
  'burst.depleted': { subject: key, severity: 'warning', data: { ...first, ...call, ...rule } },
  'method.blocked': {
    ...{ subject: '203.0.113.7', severity: 'warning' },
    data: { ...first, network: 'mainnet', method: 'admin_addPeer', pattern: 'admin_*' },
  },
  'quota.warning': {
    ...{ subject: key, severity: 'warning' },
    data: {
      ...{ of: 'key', unit: 'requests', limit: 1_000_000, used: 800_000, period: 'month' },
      resetsAt: '2026-12-01T00:00:00.000Z',
      percent: 80,
    },
  },
  'quota.exceeded': {
    ...{ subject: key, severity: 'error' },
    data: {
      ...{ of: 'key', unit: 'requests', limit: 1_000_000, used: 1_000_000, period: 'month' },
      resetsAt: '2026-12-01T00:00:00.000Z',
      ...first,
    },
  },
  'config.reloaded': {
    ...{ subject: 'config', severity: 'error' },
    data: {
      ok: false,
      hash: '5f2a9c01d4e7',
      generation: 7,
      problem: 'polymorph.yaml:12:5: error: limits.default: unknown key "burst" (did you mean burst_size?)',
      restartNeeded: [],
    },
  },
  'ip.banned': {
    ...{ subject: '203.0.113.7', severity: 'warning' },
    data: {
      reason: '100 violations within 1 min',
      by: 'auto',
      until: '2026-11-03T14:15:09.000Z',
      times: 1,
      simulated: false,
    },
  },
  'ip.unbanned': {
    ...{ subject: '203.0.113.7', severity: 'info' },
    data: { reason: 'expired', by: 'auto' },
  },
  'upstream.down': {
    ...{ subject: 'upstream:mainnet/node-2', severity: 'error' },
    data: { network: 'mainnet', upstream: 'node-2', reason: 'connection refused' },
  },
  'upstream.up': {
    ...{ subject: 'upstream:mainnet/node-2', severity: 'info' },
    data: { network: 'mainnet', upstream: 'node-2', downMs: 200_000 },
  },
  'alert.firing': {
    ...{ subject: 'alert:many-refused', severity: 'critical' },
    data: {
      alert: 'many-refused',
      when: 'refused_ratio > 0.2 for 5m',
      value: 0.314,
      threshold: 0.2,
      since: '2026-11-03T14:00:09.000Z',
    },
  },
  'alert.resolved': {
    ...{ subject: 'alert:many-refused', severity: 'critical' },
    data: { alert: 'many-refused', when: 'refused_ratio > 0.2 for 5m', value: 0.08, firedMs: 420_000 },
  },
};

/** The example of that type in its envelope. The same at every call, but for what `more` says. */
export function exampleEvent(type: EventType, more: Partial<CloudEvent> = {}): CloudEvent {
  const { subject, severity, data } = examples[type];
  const number = Object.keys(examples).indexOf(type) + 1;
  return {
    specversion: '1.0',
    id: `019a4a5e-2f00-7c3d-8e5f-${number.toString(16).padStart(12, '0')}`,
    source: 'polymorph-proxy',
    type,
    subject,
    time: '2026-11-03T14:05:09.000Z',
    datacontenttype: 'application/json',
    tenant: 'default',
    severity,
    sequence: String(1041 + number).padStart(20, '0'),
    data,
    ...more,
  };
}
