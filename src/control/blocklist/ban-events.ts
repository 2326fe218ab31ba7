import type { Ban } from '../../admission/index.ts';
import type { EventDraft } from '../../events/index.ts';

export function bannedEvent({ prefix, reason, by, beganAt, until, times, simulated }: Ban): EventDraft {
  return {
    type: 'ip.banned',
    subject: prefix,
    severity: 'warning',
    atMs: beganAt,
    data: { reason, by, until: until === null ? null : new Date(until).toISOString(), times, simulated },
  };
}

export function unbannedEvent(
  { prefix }: Ban,
  reason: 'expired' | 'lifted',
  by: string,
  atMs: number,
): EventDraft {
  return { type: 'ip.unbanned', subject: prefix, severity: 'info', atMs, data: { reason, by } };
}
