import { matchesEventType, type Severity, severities, type SinkConfig } from '../config/index.ts';
import type { EventType } from './event.ts';

/** What of an event decides where it goes. */
export interface Routed {
  type: EventType;
  severity: Severity;
  subject: string;
  keyId: string | null;
  userId: string | null;
  /** Those that are named get it whatever else they want; absent or none: whoever wants it. */
  sinks?: readonly string[];
}

/** Finds the sinks that want an event, by name. */
export function createRouting(sinks: readonly SinkConfig[]): (event: Routed) => string[] {
  const wants = sinks.map((sink) => ({ name: sink.name, wants: wantOf(sink) }));
  return (event) => {
    const named = event.sinks ?? [];
    return wants
      .filter(({ name, wants }) => (named.length > 0 ? named.includes(name) : wants(event)))
      .map(({ name }) => name);
  };
}

function wantOf({ events, min_severity: least, keys, users }: SinkConfig): (event: Routed) => boolean {
  const patterns = new Map<EventType, boolean>();
  const [keySet, userSet] = [new Set(keys), new Set(users)];
  const anybody = keys.length === 0 && users.length === 0;
  return ({ type, severity, subject, keyId, userId }) => {
    let wanted = patterns.get(type);
    if (wanted === undefined) {
      wanted = events.some((pattern) => matchesEventType(pattern, type));
      patterns.set(type, wanted);
    }
    if (!wanted || severities.indexOf(severity) < severities.indexOf(least)) return false;
    if (anybody) return true;
    if (userId !== null && userSet.has(userId)) return true;
    if (keyId !== null && keySet.has(keyId)) return true;
    const [, prefix = '', name = ''] = /^key:([^/]*)\/(.*)$/s.exec(subject) ?? [];
    return prefix !== '' && (keySet.has(prefix) || keySet.has(name));
  };
}
