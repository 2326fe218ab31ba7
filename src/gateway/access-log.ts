import type { DecisionRecord } from './decision.ts';
import type { FromWorker, LogLine } from './messages.ts';

/** Lines a worker sends in one second at most; the rest is counted and said. */
const LINES_PER_SECOND = 200;

/** The sampled access log of one worker. Main writes the lines; a key is named by its prefix. */
export function createAccessLog(
  tell: (message: FromWorker) => void,
  nowMs: () => number,
  onDropped: () => void,
): { write(record: DecisionRecord): void } {
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
    write(record) {
      const now = nowMs();
      if (now - windowStart >= 1000) {
        windowStart = now;
        written = 0;
      }
      if (written >= LINES_PER_SECOND) {
        dropped++;
        onDropped();
        return;
      }
      written++;
      if (lines.push(accessLine(record, dropped)) === 1) setImmediate(send);
      dropped = 0;
    },
  };
}

function accessLine(record: DecisionRecord, droppedBefore: number): LogLine {
  const { caller, upstream } = record;
  return {
    level: 'info',
    kind: 'access',
    // What a caller wrote stands in fields, which a terminal's format escapes.
    msg: 'call',
    fields: {
      requestId: record.requestId,
      callerRequestId: record.callerRequestId ?? undefined,
      network: record.network,
      method: record.method,
      caller: caller.kind === 'key' ? `key:${caller.keyPrefix}` : caller.address,
      address: caller.address,
      socket: record.socket ?? undefined,
      outcome: record.outcome,
      refusal: record.refusal ?? undefined,
      ms: record.totalMs,
      upstreamMs: upstream?.ms,
      linesDropped: droppedBefore || undefined,
    },
  };
}
