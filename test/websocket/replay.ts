import type { SeenHead, SeenLog } from './chain-listeners.ts';

/** What a client believes after all it was told, and what was wrong with it. */
export interface Belief<T> {
  now: T[];
  complaints: string[];
}

/** A head takes the place of all that are not below it: that is how a reorg is told. */
export function replayHeads(heads: readonly SeenHead[]): Belief<SeenHead> {
  const now: SeenHead[] = [];
  const complaints: string[] = [];
  const seen = new Set<string>();
  for (const head of heads) {
    while (now.length > 0 && now.at(-1)!.number >= head.number) now.pop();
    const before = now.at(-1);
    if (before !== undefined && before.number !== head.number - 1)
      complaints.push(`${head.number} after ${before.number}`);
    if (head.parentHash !== undefined && before !== undefined && before.hash !== head.parentHash)
      complaints.push(`${head.number} is no child of the block before it`);
    if (head.hash !== undefined && seen.has(head.hash)) complaints.push(`${head.number} came twice`);
    if (head.hash !== undefined) seen.add(head.hash);
    now.push(head);
  }
  return { now, complaints };
}

/** A log with `removed: true` takes back the same log. */
export function replayLogs(logs: readonly SeenLog[]): Belief<SeenLog> {
  const now: SeenLog[] = [];
  const complaints: string[] = [];
  for (const log of logs) {
    const at = now.findIndex((one) => one.blockHash === log.blockHash && one.logIndex === log.logIndex);
    const name = `log ${log.logIndex} of block ${log.blockNumber}`;
    if (log.removed) {
      if (at < 0) complaints.push(`${name} was removed and had not come`);
      else now.splice(at, 1);
      continue;
    }
    if (at >= 0) complaints.push(`${name} came twice`);
    const last = now.at(-1);
    if (
      last !== undefined &&
      (log.blockNumber < last.blockNumber ||
        (log.blockNumber === last.blockNumber && log.logIndex <= last.logIndex))
    )
      complaints.push(`${name} after log ${last.logIndex} of block ${last.blockNumber}`);
    now.push(log);
  }
  return { now, complaints };
}
