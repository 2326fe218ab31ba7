import { createTimeReader, type Line } from './logged-call.ts';

/** Refusals before the limits: nothing was taken, and under another config the call may pass. */
const beforeLimits = new Set(['unauthorized', 'forbidden', 'method_blocked', 'unmetered']);
/** Refusals by what the limits, the keys and the blocklist say, and no fault of anybody’s. */
const byPolicy = new Set(['unauthorized', 'forbidden', 'method_blocked']);

/** Reads lines of the access log; whatever else the gateway logs is `other`. */
export function createAccessLineReader(): (fields: Readonly<Record<string, unknown>>) => Line {
  const timeOf = createTimeReader();

  /** Versions before `at` was written had only the time of the line, which was the call's end. */
  function begin({ at, time }: Readonly<Record<string, unknown>>, micros: number): number {
    if (typeof at === 'string') return timeOf(at);
    return typeof time === 'string' ? timeOf(time) - micros : Number.NaN;
  }

  return (fields) => {
    if (fields['kind'] !== 'access') return { skip: 'other' };
    const { method, network, caller, callerKind, keyId, address, refusal, outcome } = fields;
    if (typeof method !== 'string') return { bad: 'no method' };
    if (typeof caller !== 'string') return { bad: 'no caller' };
    // No call was found in this item of a batch.
    if (method === '') return { skip: 'other' };
    if (callerKind === 'unknown') return { skip: 'bad key' };
    const micros = Math.round(number(fields['ms'], 0) * 1000);
    const at = begin(fields, micros);
    if (Number.isNaN(at)) return { bad: 'no time of the call (at)' };
    const limited = outcome === 'exceeded' || outcome === 'quota';
    const refused = typeof refusal === 'string';
    const early = refused && beforeLimits.has(refusal);
    const keyed = caller.startsWith('key:');
    return {
      at,
      keyId: text(keyId),
      keyPrefix: keyed ? caller.slice(4) : '',
      address: text(address),
      network: text(network),
      method,
      // One of the shared cache was found after its tokens were taken.
      cached:
        fields['from'] === 'cache' ||
        fields['from'] === 'joined' ||
        (fields['fullCost'] !== undefined && fields['from'] !== 'shared'),
      failed: refused && !limited && !early,
      endAt: at + micros,
      refusedThen: limited || (refused && byPolicy.has(refusal)),
      // Of a list the config that is tried has its own.
      banned:
        refusal === 'forbidden' && !text(fields['reason']).startsWith('address denied by the blocklist'),
      sample: number(fields['sample'], 1),
      dropped: number(fields['linesDropped'], 0),
      worker: number(fields['worker'], 0),
      request: countOf(text(fields['requestId'])),
      item: number(fields['item'], 0),
    };
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function number(value: unknown, otherwise: number): number {
  return typeof value === 'number' && value >= 0 ? value : otherwise;
}

/** Request ids of one worker end in a count. */
function countOf(requestId: string): number {
  return Number(requestId.slice(requestId.lastIndexOf('-') + 1)) || 0;
}
