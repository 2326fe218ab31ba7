/** All events there are, in the order of docs/events.md. Names are of the API: they never change their meaning. */
export const eventTypes = [
  'rate_limit.exceeded',
  'burst.used',
  'burst.depleted',
  'method.blocked',
  'quota.warning',
  'quota.exceeded',
  'config.reloaded',
  'ip.banned',
  'ip.unbanned',
  'upstream.down',
  'upstream.up',
  'redis.down',
  'redis.up',
  'alert.firing',
  'alert.resolved',
] as const;
export type EventTypeName = (typeof eventTypes)[number];

/** How much somebody should care, ascending. */
export const severities = ['info', 'warning', 'error', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** Whether an event's type is one that a pattern (`quota.*`, `*`, `ip.banned`) names. */
export function matchesEventType(pattern: string, type: string): boolean {
  const parts = pattern.split('*');
  if (parts.length === 1) return pattern === type;
  const last = parts.at(-1)!;
  if (!type.startsWith(parts[0]!) || !type.endsWith(last)) return false;
  let at = parts[0]!.length;
  for (const part of parts.slice(1, -1)) {
    const found = type.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= type.length - last.length;
}

/** What one caller can bring about as often as it likes. */
export const floodTypes: readonly EventTypeName[] = [
  'rate_limit.exceeded',
  'burst.used',
  'burst.depleted',
  'method.blocked',
];
