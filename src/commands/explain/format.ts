import type { DecisionRecord } from '../../gateway/index.ts';
import { refusals } from '../../jsonrpc/index.ts';
import { milliseconds, printable, section, table, tokens } from './layout.ts';

type Delivery = NonNullable<NonNullable<DecisionRecord['upstream']>['delivery']>;

/** A decision record as the admin listener gives it: main adds the key's name, which workers do not know. */
export type ExplainedRecord = DecisionRecord & { caller: { keyName?: string | null } };

/** The body of both explain routes. */
export interface Explanation {
  kind: 'recorded' | 'dry-run';
  requestId: string | null;
  records: ExplainedRecord[];
  workers: { asked: number; answered: number };
}

/** The explanation as text for people, with a final newline. Plain characters only. */
export function formatExplanation(explanation: Explanation): string {
  const parts = explanation.records.map((record) => formatRecord(record, explanation.kind));
  const { asked, answered } = explanation.workers;
  if (answered < asked) {
    parts.push(`${asked - answered} of ${asked} workers did not answer in time; they may hold more.\n`);
  }
  return parts.join('\n');
}

function formatRecord(record: ExplainedRecord, kind: Explanation['kind']): string {
  return [
    ...heading(record, kind),
    '',
    ...section('Caller', callerLines(record)),
    ...section('Rules, in the order they were looked at', table(record.rules.map(ruleRow))),
    ...section('Buckets, in tokens', table(record.buckets.map((bucket) => bucketRow(bucket, kind)))),
    ...section('Other instances', sharingLines(record, kind)),
    ...section('Quota', quotaLines(record)),
    ...section('Answer', upstreamLines(record)),
    ...section(
      'Time',
      kind === 'dry-run' ? [] : [`${milliseconds(record.totalMs)} from the whole request to its answer`],
    ),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function heading(record: ExplainedRecord, kind: Explanation['kind']): string[] {
  const place = record.network === '' ? '' : ` on ${record.network}`;
  const group = record.group === null ? '' : `group ${record.group}, `;
  const call = `${printable(record.method) || 'no method'}${place} (${group}cost ${record.cost})`;
  if (kind === 'dry-run') {
    return [`${call}, asked now: nothing was taken and nothing was forwarded`, `Outcome: ${outcome(record)}`];
  }
  const item = record.item < 0 ? '' : `, item ${record.item} of its batch`;
  const way = record.lane === null ? `websocket ${record.socket}` : `http ${record.lane} lane`;
  const theirs =
    record.callerRequestId === null ? [] : [`The caller's own id: ${printable(record.callerRequestId)}`];
  return [
    `Request ${record.requestId}${item}`,
    call,
    `${new Date(record.atMs).toISOString()}, ${way}, worker ${record.worker}, policy ${record.generation}`,
    ...theirs,
    `Outcome: ${outcome(record)}`,
  ];
}

const decidedIn: Record<DecisionRecord['buckets'][number]['by'], string> = {
  memory: '',
  lease: 'leased',
  exact: 'exact, in Redis',
  share: "this instance's share",
};

const outcomes: Record<DecisionRecord['outcome'], string> = {
  allowed: 'allowed',
  burst: 'allowed, using the burst',
  exceeded: 'refused by a rate limit',
  quota: 'refused, a quota is used up',
  refused: 'refused',
  failed: 'failed',
};

function outcome(record: ExplainedRecord): string {
  const answer = record.refusal === null ? '' : `, ${record.refusal} (HTTP ${refusals[record.refusal].http})`;
  const reason = record.reason === null ? '' : `: ${printable(record.reason)}`;
  const retry =
    record.retryAfterMs === null
      ? ''
      : `; ${record.outcome === 'failed' ? 'try again' : 'enough tokens'} in ${milliseconds(record.retryAfterMs)}`;
  const alike = record.alike > 0 ? `; ${record.alike} more of its batch alike` : '';
  return `${outcomes[record.outcome]}${answer}${reason}${retry}${alike}`;
}

const places = {
  'x-api-key': 'X-API-Key',
  bearer: 'Authorization: Bearer',
  path: 'the path',
  query: 'the query (api_key)',
  subprotocol: 'a WebSocket subprotocol',
} as const;

function callerLines({ caller }: ExplainedRecord): string[] {
  const found = caller.foundIn === null ? '' : `, found in ${places[caller.foundIn]}`;
  const address = caller.address === '' ? '' : `from ${printable(caller.address)}`;
  if (caller.kind === 'key') {
    const name = caller.keyName ? `key "${printable(caller.keyName)}"` : 'a key';
    return [`${name} (${caller.keyPrefix}…)${found}${address === '' ? '' : `, ${address}`}`];
  }
  if (caller.kind === 'address') return [`no key; counted by address, ${address}`];
  return [`not identified${found}${address === '' ? '' : `, ${address}`}`];
}

function ruleRow(rule: DecisionRecord['rules'][number]): string[] {
  const mode = rule.mode === 'shadow' ? 'shadow' : '';
  return [rule.chosen ? '>' : '-', rule.name, mode, printable(rule.why)];
}

function bucketRow(bucket: DecisionRecord['buckets'][number], kind: Explanation['kind']): string[] {
  const change = `${tokens(bucket.before)} -> ${tokens(bucket.after)} of ${tokens(bucket.capacity)}`;
  const verdict = { rule: 'refused here', ceiling: 'refused here', shadow: 'would have been refused' }[
    bucket.kind
  ];
  const after = kind === 'dry-run' && !bucket.refused ? 'if it were sent' : '';
  return [bucket.policy, bucket.kind, change, decidedIn[bucket.by], bucket.refused ? verdict : after];
}

function sharingLines({ sharing }: ExplainedRecord, kind: Explanation['kind']): string[] {
  if (sharing === null) return [];
  const { instances, waitedMs } = sharing;
  const waited =
    waitedMs > 0 ? `the call waited ${milliseconds(waitedMs)} for them` : 'the call did not wait for them';
  return [
    `buckets are shared by ${instances} ${instances === 1 ? 'instance' : 'instances'}${kind === 'dry-run' ? '' : `; ${waited}`}`,
    'tokens of a leased one: what this instance holds, and what Redis had left when it was last asked',
  ];
}

function quotaLines({ quota, userQuota }: ExplainedRecord): string[] {
  const line = (of: string, { used, limit, unit, period, resetsAt }: NonNullable<typeof quota>) =>
    `${of}${used} of ${limit} ${unit === 'cost' ? 'cost units' : unit} used this ${period}, starts again ${resetsAt}`;
  if (userQuota === null) return quota === null ? [] : [line('', quota)];
  return [...(quota === null ? [] : [line('key: ', quota)]), line('user, all keys: ', userQuota)];
}

const answerPlaces = {
  upstream: [],
  cache: ['answered from the cache'],
  shared: ['answered from the cache that instances share'],
  joined: ['answered by an identical call that was under way'],
  hub: ['answered by the hub of all subscriptions'],
} as const;

function upstreamLines({ upstream, answeredFrom }: ExplainedRecord): string[] {
  const place = answeredFrom === null ? [] : answerPlaces[answeredFrom];
  if (upstream === null) return [...place];
  const { attempts: count, delivery } = upstream;
  const attempts = count === 0 ? 'never reached' : count === 1 ? '1 attempt' : `${count} attempts`;
  const failure = upstream.failure === null ? '' : `, failed: ${printable(upstream.failure)}`;
  const name = upstream.name === '' ? 'none' : `${upstream.name} (${upstream.mode})`;
  return [
    ...place,
    `${name}, ${attempts}, ${milliseconds(upstream.ms)}${failure}`,
    ...(delivery === null ? [] : deliveryLines(delivery)),
  ];
}

function deliveryLines({ weighed, attempts }: Delivery): string[] {
  return table([
    ...weighed.map((one) => [
      'weighed',
      one.upstream,
      one.passedOver === null
        ? `fit${one.score === null ? '' : `, load ${tokens(one.score)}`}`
        : printable(one.passedOver),
    ]),
    ...attempts.map((one) => [
      `after ${milliseconds(one.startedMs)}`,
      one.upstream,
      one.why,
      one.ms < 0 ? 'no answer waited for' : milliseconds(one.ms),
      one.failure === null ? '' : printable(one.failure),
    ]),
  ]);
}
