import type { Severity } from '../../config/index.ts';
import type { EventDataOf, EventType } from '../event.ts';

/** An event in words, for people: plain text that each sink escapes in its own way. */
export interface Told {
  /** What happened and to whom, in one line. */
  title: string;
  /** How it came, in a sentence or two. */
  text: string;
  /** What one wants to know at a glance, in this order. */
  facts: readonly Fact[];
  /** What can be done; null: nothing needs to be. */
  advice: string | null;
  /** Is this the end of a trouble? Shown green, whatever its severity. */
  good: boolean;
}

export type Fact = readonly [label: string, value: string];

/** What a teller is given beside the data. */
export interface About {
  /** The subject as people name it: `key acme (9hXq2Lw8)`, `203.0.113.7`. */
  who: string;
  severity: Severity;
}

export type Teller<Type extends EventType> = (data: EventDataOf<Type>, about: About) => Told;

/** Whom an event is about, as people name it. */
export function whoOf(subject: string): string {
  const [, kind = '', rest = ''] = /^(key|user|upstream|alert|redis):(.*)$/s.exec(subject) ?? [];
  if (kind === '') return subject;
  const slash = rest.indexOf('/');
  if (kind !== 'key' || slash === -1) return `${kind} ${rest}`;
  return `key ${rest.slice(slash + 1)} (${rest.slice(0, slash)})`;
}
