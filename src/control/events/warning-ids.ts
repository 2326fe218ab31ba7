import { hash } from 'node:crypto';
import { createEnvelopes, type EventDraft, type UnnumberedEvent } from '../../events/index.ts';

const DAY_MS = 86_400_000;

/** What a quota's warning is one of, whichever worker or instance sees the mark, before or after a restart; null: no warning. */
function markOf({ type, keyId, userId, data }: EventDraft): { text: string; periodStartMs: number } | null {
  if (type !== 'quota.warning' || keyId === undefined) return null;
  const { unit, limit, period, resetsAt, percent } = data;
  const ends = new Date(resetsAt);
  const begins =
    period === 'day' ? ends.getTime() - DAY_MS : Date.UTC(ends.getUTCFullYear(), ends.getUTCMonth() - 1, 1);
  const whose = data.of === 'user' && userId !== undefined ? userId : keyId;
  return { text: [whose, unit, limit, resetsAt, percent].join(), periodStartMs: begins };
}

/**
 * Envelopes. The id of a quota's warning is made of what it warns of: the outbox takes it once, though several see the mark. Other ids
 * are random.
 */
export function createMarkedEnvelopes(parts: {
  source(): string;
  random(bytes: number): Uint8Array;
}): (draft: EventDraft) => UnnumberedEvent {
  const envelope = createEnvelopes(parts);
  return (draft) => {
    const mark = markOf(draft);
    if (mark === null) return envelope(draft);
    const digest = Buffer.from(hash('sha256', mark.text, 'hex'), 'hex');
    const fixed = createEnvelopes({ source: parts.source, random: (bytes) => digest.subarray(0, bytes) });
    const { id } = fixed({ ...draft, atMs: mark.periodStartMs });
    return { ...envelope(draft), id };
  };
}

/** Whether a warning was told by this process already: an outbox in memory does not remember. */
export function createToldMarks(): (draft: EventDraft) => boolean {
  const told = new Set<string>();
  return (draft) => {
    const mark = markOf(draft);
    if (mark === null) return false;
    if (told.has(mark.text)) return true;
    if (told.size >= 100_000) told.clear();
    told.add(mark.text);
    return false;
  };
}
