import { type Head, isHash } from './head.ts';
import type { LogFacts } from './log-filter.ts';

/** A log of a block, as its node gave it. */
export interface FoundLog {
  readonly log: object;
  readonly facts: LogFacts;
  /** Made when first needed, and the same for all feeds. */
  text: string | null;
}

export function textOf(found: FoundLog): string {
  return (found.text ??= JSON.stringify(found.log));
}

/** The logs of a node's answer; undefined where it is none, or not this block's. */
export function logsOf(value: unknown, head: Head): FoundLog[] | undefined {
  if (!Array.isArray(value)) return undefined;
  // Its bloom filter says that there are some: the node does not have them yet.
  if (value.length === 0 && head.bloom !== '') return undefined;
  const logs: FoundLog[] = [];
  for (const log of value as unknown[]) {
    const facts = factsOf(log, head.hash);
    if (facts === undefined) return undefined;
    logs.push({ log: log as object, facts, text: null });
  }
  return logs;
}

function factsOf(log: unknown, blockHash: string): LogFacts | undefined {
  if (typeof log !== 'object' || log === null) return undefined;
  const { address, topics, blockHash: of } = log as Record<string, unknown>;
  if (typeof of !== 'string' || of.toLowerCase() !== blockHash) return undefined;
  if (typeof address !== 'string' || !Array.isArray(topics) || !topics.every(isHash)) return undefined;
  return { address: address.toLowerCase(), topics: topics.map((topic) => topic.toLowerCase()) };
}
