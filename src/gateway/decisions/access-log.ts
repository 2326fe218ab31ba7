import type { PolicySnapshot } from '../../config/index.ts';
import type { DecisionSource } from './decision-source.ts';
import type { FromWorker, LogLine } from '../messages.ts';
import { decisionOf, type NoteContext } from './note.ts';

export interface AccessLog {
  /** Writes a line of a call that has ended, unless this second has had its fill. */
  write(call: DecisionSource, note: NoteContext): void;
}

/** The sampled access log of one worker. Main writes the lines; a key is named by its prefix and id. */
export function createAccessLog(options: {
  tell: (message: FromWorker) => void;
  nowMs: () => number;
  settings: () => PolicySnapshot['logging'];
  onDropped: () => void;
}): AccessLog {
  const { tell, settings } = options;
  let windowStart = 0;
  let written = 0;
  let dropped = 0;
  let lines: LogLine[] = [];

  const send = (): void => {
    const due = lines;
    lines = [];
    tell({ type: 'log', lines: due });
  };

  return {
    write(call, note) {
      const now = options.nowMs();
      if (now - windowStart >= 1000) {
        windowStart = now;
        written = 0;
      }
      if (written >= settings().accessMaxPerSecond) {
        dropped++;
        options.onDropped();
        return;
      }
      written++;
      if (lines.push(accessLine(call, note, dropped)) === 1) setImmediate(send);
      dropped = 0;
    },
  };
}

/** What a call was and came to; `polymorph simulate` replays it by these fields. */
function accessLine(call: DecisionSource, note: NoteContext, droppedBefore: number): LogLine {
  const record = decisionOf(call, note);
  const { caller, upstream } = record;
  const sample = call.context.policy.snapshot.logging.accessSample;
  const refusedBy = record.buckets.filter(({ refused, kind }) => refused && kind !== 'shadow');
  const shadows = record.buckets.filter(({ refused, kind }) => refused && kind === 'shadow');
  const fullCost = call.facts?.cost ?? 0;
  return {
    level: 'info',
    kind: 'access',
    // What a caller wrote stands in fields, which a terminal's format escapes.
    msg: 'call',
    atMicros: call.startedAt,
    fields: {
      requestId: record.requestId,
      callerRequestId: record.callerRequestId ?? undefined,
      item: record.item < 0 ? undefined : record.item,
      network: record.network,
      method: record.method,
      caller: caller.kind === 'key' ? `key:${caller.keyPrefix}` : caller.address,
      callerKind: caller.kind,
      keyId: caller.kind === 'key' ? call.context.caller.keyId : undefined,
      address: caller.address,
      socket: record.socket ?? undefined,
      outcome: record.outcome,
      refusal: record.refusal ?? undefined,
      policy: refusedBy[0]?.policy,
      // Which entry it was: a list's or a ban.
      reason: record.refusal === 'forbidden' ? (record.reason ?? undefined) : undefined,
      shadow: shadows.length === 0 ? undefined : shadows.map((bucket) => bucket.policy),
      cost: record.cost,
      fullCost: record.cost === fullCost ? undefined : fullCost,
      from: record.answeredFrom ?? undefined,
      ms: record.totalMs,
      upstreamMs: upstream?.ms,
      sample: sample < 1 ? sample : undefined,
      linesDropped: droppedBefore || undefined,
    },
  };
}
