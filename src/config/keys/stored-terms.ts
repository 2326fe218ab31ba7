import { section } from '../schema/containers.ts';
import { keyLimitFields } from '../schema/limits.ts';
import type { QuotaPolicy } from '../snapshot.ts';
import { type KeyTerms, termsOf } from './terms.ts';

/** One limit of a stored key: `method` is a name or pattern, `group:<name>` for a group, `*` for all. */
export interface StoredLimit {
  readonly method: string;
  readonly requests: number;
  readonly periodMs: number;
  readonly burstSize: number;
}

const limitsSchema = section('', keyLimitFields);

/** The terms of stored limits and quotas; the same object for those that are alike, which most keys' are. */
export type StoredTerms = (
  limits: readonly StoredLimit[],
  quota: QuotaPolicy | null,
  userQuota?: QuotaPolicy | null,
) => KeyTerms;

/** Held at once; beyond, it is begun anew. */
const REMEMBERED_MAX = 100_000;

/**
 * Limits are judged as those of the config's keys: a row that somebody wrote by hand must not do what a config could not.
 * Where they cannot be kept, `problem` of the terms says why.
 */
export function createStoredTerms(): StoredTerms {
  const known = new Map<string, KeyTerms>();
  return (limits, quota, userQuota = null) => {
    let raw = rawOf(quota);
    if (userQuota !== null) raw += `\nuser ${rawOf(userQuota)}`;
    for (const { method, requests, periodMs, burstSize } of limits)
      raw += `\n${requests} ${periodMs} ${burstSize} ${method}`;
    let terms = known.get(raw);
    if (terms === undefined) {
      terms = judge(limits, [quota, userQuota], raw);
      if (known.size >= REMEMBERED_MAX) known.clear();
      known.set(raw, terms);
    }
    return terms;
  };
}

function rawOf(quota: QuotaPolicy | null): string {
  return quota === null ? '' : `${quota.unit} ${quota.limit} ${quota.period} ${quota.warnAt.join()}`;
}

const noLimits = { default: [], groups: {}, methods: {} };

function judge(
  limits: readonly StoredLimit[],
  [quota, userQuota]: readonly [QuotaPolicy | null, QuotaPolicy | null],
  raw: string,
): KeyTerms {
  const parsed = limitsSchema.safeParse(sectionOf(limits));
  const problem = parsed.success
    ? (quotaProblem('its', quota) ?? quotaProblem('its user’s', userQuota))
    : `its limits cannot be kept: ${parsed.error.issues[0]?.path.join('.') ?? ''}: ${parsed.error.issues[0]?.message ?? ''}`;
  if (problem === null && parsed.success) return termsOf(parsed.data, quota, null, userQuota);
  return { ...termsOf(noLimits, null, null), text: `unusable ${raw}`, problem };
}

/** As the section of a config says it. */
function sectionOf(limits: readonly StoredLimit[]): object {
  const groups: [string, object][] = [];
  const methods: [string, object][] = [];
  let all: object | undefined;
  for (const { method, requests, periodMs, burstSize } of limits) {
    const rule = { requests, period: `${periodMs}ms`, burst_size: burstSize };
    if (method === '*') all = rule;
    else if (method.startsWith('group:')) groups.push([method.slice(6), rule]);
    else methods.push([method, rule]);
  }
  return { default: all, groups: Object.fromEntries(groups), methods: Object.fromEntries(methods) };
}

function quotaProblem(whose: string, quota: QuotaPolicy | null): string | null {
  if (quota === null) return null;
  const whole = Number.isSafeInteger(quota.limit) && quota.limit >= 1;
  return whole ? null : `${whose} quota cannot be kept: ${quota.limit}`;
}
