import type { Listeners, SubscribeFault, SubscribeResult } from '../../websocket/index.ts';
import type { Call } from '../call.ts';

/** Longest name of a kind of subscription. */
const KIND_MAX = 64;
/** Of all params: main keeps them for as long as the subscription lasts. The largest filter of logs has 18 KB. */
const PARAMS_BYTES_MAX = 32 * 1024;

/**
 * The answer stage for calls that came over a WebSocket: `eth_subscribe` and `eth_unsubscribe` are of the hub's
 * subscriptions, everything else is `send`'s, as over HTTP.
 */
export function createSubscribeStage(options: {
  listeners: Listeners;
  send: (call: Call) => void;
}): (call: Call) => void {
  const { listeners } = options;

  function subscribe(call: Call): void {
    const { session } = call.owner;
    const { context } = call;
    const asked = readParams(call);
    // Nobody would learn its id.
    if (call.id === '') return call.refuse('invalid_request', 'a subscription without an id');
    if (typeof asked === 'string') return invalidParams(call, asked);
    const { snapshot } = context.policy;
    const { name: network, timeoutMs } = snapshot.networks[context.network]!;
    const { subscriptions } = context.policy.keySet(context.caller.ruleSet).bounds;
    const what = { network, ...asked, maxSubscriptions: subscriptions, timeoutMs };
    listeners.subscribe(session!, what, (result) => tell(call, result));
  }

  function tell(call: Call, result: SubscribeResult): void {
    if (result === 'late') return call.refuse('upstream_timeout', 'no upstream subscribed in time');
    if ('fault' in result) return refuse(call, result.fault);
    const { subscription, source, listeners: count } = result;
    call.source = 'hub';
    call.reason = `one of ${count} that listen, ${source.via === 'polling' ? 'polled from' : 'by WebSocket from'} ${source.upstream}`;
    call.owner.afterAnswer(() => listeners.begin(subscription));
    call.answeredText('{"jsonrpc":"2.0","id":', `,"result":"${subscription.id}"}`, false);
  }

  function unsubscribe(call: Call): void {
    const { session } = call.owner;
    const params: unknown = JSON.parse(paramsText(call));
    // JSON-RPC has objects for params, too.
    const id: unknown = Array.isArray(params) ? params[0] : undefined;
    call.source = 'hub';
    if (typeof id !== 'string') return invalidParams(call, 'missing value for required argument 0');
    if (listeners.unsubscribe(session!, id))
      return call.answeredText('{"jsonrpc":"2.0","id":', ',"result":true}', false);
    nodeError(call, '{"code":-32000,"message":"subscription not found"}');
  }

  return (call) => {
    if (call.owner.session === null) return options.send(call);
    if (call.method === 'eth_subscribe') return subscribe(call);
    if (call.method === 'eth_unsubscribe') return unsubscribe(call);
    options.send(call);
  };
}

/** An error in a node's own words, and counted as one. */
function nodeError(call: Call, error: string): void {
  call.answeredText(
    '{"jsonrpc":"2.0","id":',
    `,"error":${Buffer.from(error, 'utf8').toString('latin1')}}`,
    true,
  );
}

function invalidParams(call: Call, message: string): void {
  call.source = 'hub';
  nodeError(call, JSON.stringify({ code: -32602, message }));
}

function refuse(call: Call, fault: SubscribeFault): void {
  if (fault.why === 'invalid_params') return invalidParams(call, fault.message);
  if (fault.why === 'node_error') {
    call.source = 'hub';
    return nodeError(call, fault.error);
  }
  if (fault.why === 'too_many')
    return call.refuse('too_many_subscriptions', null, {
      policy: 'websocket:subscriptions',
      limit: fault.limit,
    });
  if (fault.why === 'unsupported')
    return call.refuse('subscription_unsupported', fault.message, undefined, fault.message);
  call.retryAfterMs = 1000;
  call.refuse('no_upstream', 'no upstream to subscribe to');
}

function paramsText(call: Call): string {
  return call.paramsStart < 0 ? '[]' : call.bytes.toString('utf8', call.paramsStart, call.paramsEnd);
}

/** Kind and further params, which stay as they were written; or what is wrong, in a node's words. */
function readParams(call: Call): { kind: string; params: string } | string {
  if (call.paramsEnd - call.paramsStart > PARAMS_BYTES_MAX)
    return `params of a subscription have at most ${PARAMS_BYTES_MAX} bytes`;
  const text = paramsText(call).trim();
  const first = /^\[\s*("(?:[^"\\]|\\.)*")\s*(,|\])/.exec(text);
  if (first === null) return 'missing or invalid subscription name';
  const kind = JSON.parse(first[1]!) as string;
  if (kind.length > KIND_MAX) return 'subscription name too long';
  const params = first[2] === ']' ? '' : text.slice(first[0].length, -1).trim();
  return { kind, params };
}
