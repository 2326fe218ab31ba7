import { allowMark, type Ban, isAllowed } from '../../admission/index.ts';
import type { EventDraft } from '../../events/index.ts';

/** What is told of a change: a line of the log, and an event; null: only the log's readers want to know who was let in by hand. */
export interface BanNews {
  line: [facts: object, text: string];
  event: EventDraft | null;
}

export function beganNews(ban: Ban): BanNews {
  if (isAllowed(ban.prefix)) return allowedNews('address allowed', ban, ban.by);
  return eventNews(bannedEvent(ban));
}

export function endedNews(ban: Ban, reason: 'expired' | 'lifted', by: string, atMs: number): BanNews {
  if (isAllowed(ban.prefix)) return allowedNews('address allowed no longer', ban, by);
  return eventNews(unbannedEvent(ban, reason, by, atMs));
}

function eventNews(event: EventDraft): BanNews {
  const { type, subject, data } = event;
  return { event, line: [{ kind: 'blocklist', event: type, subject, ...data }, `${type} ${subject}`] };
}

function allowedNews(text: string, { prefix, reason, until }: Ban, by: string): BanNews {
  const subject = prefix.slice(allowMark.length);
  const facts = { kind: 'blocklist', subject, reason, by, until: until === null ? null : iso(until) };
  return { event: null, line: [facts, `${text} ${subject}`] };
}

const iso = (ms: number): string => new Date(ms).toISOString();

function bannedEvent({ prefix, reason, by, beganAt, until, times, simulated }: Ban): EventDraft {
  return {
    type: 'ip.banned',
    subject: prefix,
    severity: 'warning',
    atMs: beganAt,
    data: { reason, by, until: until === null ? null : iso(until), times, simulated },
  };
}

function unbannedEvent({ prefix }: Ban, reason: 'expired' | 'lifted', by: string, atMs: number): EventDraft {
  return { type: 'ip.unbanned', subject: prefix, severity: 'info', atMs, data: { reason, by } };
}
