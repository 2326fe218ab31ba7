import type { EventDraft, EventType } from './event.ts';

const AT_MS = Date.UTC(2026, 10, 28, 12, 0, 0);
const atText = new Date(AT_MS).toISOString();
const key = {
  subject: 'key:Jk3n9QxA/acme',
  keyId: '5b1c8a3e-6a0f-5a52-9a0e-0d8a4c1f2b77',
  userId: '0190a5d4-7c1b-7e57-8f3a-3d1f0c9b2a61',
  atMs: AT_MS,
};
const instance = 'b0a7c3de-51f2-4f0e-9a67-2d8c94e1f35a';
const first = { count: 1, windowMs: 0 };
const limit = { policy: 'default', limit: 100, burst: 50 };
const call = { network: 'mainnet', method: 'eth_getLogs' };
const quota = {
  of: 'key',
  unit: 'requests',
  limit: 1_000_000,
  period: 'month',
  resetsAt: '2026-12-01T00:00:00.000Z',
} as const;

/** An event of each type, for `polymorph events test`, docs and tests. They are as real ones are; nobody is meant. */
export const sampleDrafts: { readonly [Type in EventType]: Extract<EventDraft, { type: Type }> } = {
  'rate_limit.exceeded': {
    ...{ type: 'rate_limit.exceeded', severity: 'warning', ...key },
    data: { ...first, ...call, ...limit, retryAfterMs: 240 },
  },
  'burst.used': { type: 'burst.used', severity: 'info', ...key, data: { ...first, ...call, ...limit } },
  'burst.depleted': {
    ...{ type: 'burst.depleted', severity: 'info', ...key },
    data: { ...first, ...call, ...limit },
  },
  'method.blocked': {
    ...{ type: 'method.blocked', severity: 'warning', ...key },
    data: { count: 41, windowMs: 60_000, network: 'mainnet', method: 'admin_peers', pattern: 'admin_*' },
  },
  'quota.warning': {
    ...{ type: 'quota.warning', severity: 'warning', ...key },
    data: { ...quota, used: 800_000, percent: 80 },
  },
  'quota.exceeded': {
    ...{ type: 'quota.exceeded', severity: 'error', ...key },
    data: { ...quota, used: 1_000_000, ...first },
  },
  'config.reloaded': {
    ...{ type: 'config.reloaded', subject: 'config', severity: 'info', atMs: AT_MS },
    data: { ok: true, hash: '1f0c9a7be2d4', generation: 7, problem: null, restartNeeded: [] },
  },
  'ip.banned': {
    ...{ type: 'ip.banned', subject: '203.0.113.7', severity: 'warning', atMs: AT_MS },
    data: {
      reason: '100 violations within 1m',
      by: 'auto',
      until: '2026-11-28T12:10:00.000Z',
      times: 1,
      simulated: false,
    },
  },
  'ip.unbanned': {
    ...{ type: 'ip.unbanned', subject: '203.0.113.7', severity: 'info', atMs: AT_MS },
    data: { reason: 'expired', by: 'auto' },
  },
  'upstream.down': {
    ...{ type: 'upstream.down', subject: 'upstream:mainnet/node-1', severity: 'error', atMs: AT_MS },
    data: { network: 'mainnet', upstream: 'node-1', reason: 'connection refused' },
  },
  'upstream.up': {
    ...{ type: 'upstream.up', subject: 'upstream:mainnet/node-1', severity: 'info', atMs: AT_MS },
    data: { network: 'mainnet', upstream: 'node-1', downMs: 41_000, reason: null },
  },
  'redis.down': {
    ...{ type: 'redis.down', subject: `redis:${instance}`, severity: 'error', atMs: AT_MS },
    data: { instance, reason: 'connect ECONNREFUSED 10.0.0.5:6379' },
  },
  'redis.up': {
    ...{ type: 'redis.up', subject: `redis:${instance}`, severity: 'info', atMs: AT_MS },
    data: { instance, downMs: 8400, losses: 1 },
  },
  'alert.firing': {
    ...{ type: 'alert.firing', subject: 'alert:refusals', severity: 'error', atMs: AT_MS },
    data: {
      alert: 'refusals',
      when: 'refused_ratio > 0.2 for 5m',
      value: 0.31,
      threshold: 0.2,
      since: atText,
    },
  },
  'alert.resolved': {
    ...{ type: 'alert.resolved', subject: 'alert:refusals', severity: 'error', atMs: AT_MS },
    data: { alert: 'refusals', when: 'refused_ratio > 0.2 for 5m', value: 0.04, firedMs: 420_000 },
  },
};
