import type { EventDraft } from '../../events/index.ts';
import type { WorkerEvent } from '../../gateway/index.ts';
import type { HealthEvent } from '../../upstream/index.ts';
import type { NamedKey } from '../explain-port.ts';
import type { ReloadResult } from '../reload.ts';

const severityOf = {
  'rate_limit.exceeded': 'warning',
  'burst.used': 'info',
  'burst.depleted': 'info',
  'method.blocked': 'warning',
  'quota.warning': 'warning',
  'quota.exceeded': 'error',
} as const;

type WorkerType = keyof typeof severityOf;

/** What a worker has told, with the names that it does not know. A key is named by prefix and name, and never shown. */
export function draftOfWorker(
  { type, key, address, count, atMs, data }: WorkerEvent,
  named: (keyNumber: number) => NamedKey | undefined,
): EventDraft {
  const known = key === null ? undefined : named(key.number);
  const userId = known?.userId ?? null;
  // A quota of a user is used up by all keys of the user at once.
  const ofUser = userId !== null && 'of' in data && data.of === 'user';
  const ofKey = key === null ? address : `key:${key.prefix}/${known?.name ?? ''}`;
  const subject = ofUser ? `user:${userId}` : ofKey;
  const folded = type === 'quota.warning' ? {} : { count, windowMs: 0 };
  const draft = {
    ...{ type, subject, atMs },
    severity: severityOf[type as WorkerType],
    ...(key === null ? {} : { keyId: key.id }),
    ...(userId === null ? {} : { userId }),
    data: { ...data, ...folded },
  };
  return draft as unknown as EventDraft;
}

/** null: not told as an event. */
export function draftOfHealth(event: HealthEvent, atMs: number): EventDraft | null {
  const { network, upstream } = event;
  const base = { subject: `upstream:${network}/${upstream}`, atMs };
  if (event.type === 'upstream.down') {
    const data = { network, upstream, reason: event.reason };
    return { ...base, type: 'upstream.down', severity: 'error', data };
  }
  // The first check of all found it up: nothing has changed.
  if (event.type !== 'upstream.up' || event.downMs === null) return null;
  const data = { network, upstream, downMs: Math.round(event.downMs), reason: null };
  return { ...base, type: 'upstream.up', severity: 'info', data };
}

/** A reload that changed nothing is none. */
export function draftOfReload(
  { outcome, generation, problems, restartNeeded }: ReloadResult,
  hash: string,
  atMs: number,
): EventDraft | null {
  if (outcome === 'unchanged') return null;
  const ok = outcome === 'applied';
  const data = { ok, hash, generation, problem: ok ? null : (problems[0] ?? 'unknown reason') };
  return {
    ...{ type: 'config.reloaded', subject: 'config', severity: ok ? 'info' : 'error', atMs },
    data: { ...data, restartNeeded: [...restartNeeded] },
  };
}
