import { describe, expect, it } from 'vitest';
import { formatProblem, parseConfig } from '../index.ts';

function warningsOf(text: string): string[] {
  const result = parseConfig(text, { env: {}, file: 'c.yaml', directory: '/etc' });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.warnings().map((problem) => formatProblem(problem).replace('c.yaml:', ''));
}

const one = 'upstreams: [{ url: "http://127.0.0.1:1" }]\n';
const two = 'upstreams: [{ url: "http://127.0.0.1:1" }, { url: "http://127.0.0.1:2" }]\n';
const first = (fields: string): string => `upstreams:\n  - url: http://127.0.0.1:1\n    ${fields}\n`;

describe('warnings of upstreams and networks', () => {
  it.each([
    [
      'a weight among one',
      first('weight: 2'),
      '3:13: warning: upstreams[0].weight: has no effect: it is the only primary upstream',
    ],
    [
      'an allowed method that is denied',
      `methods: { blocked: [debug_trace*] }\n${first('methods: { allowed: [eth_*, net_*, web3_*, debug_traceCall], denied: [debug_trace*] }')}`,
      '4:48: warning: upstreams[0].methods.allowed[3]: every method it fits is denied by debug_trace*',
    ],
    [
      'an allowed method that it lacks',
      `methods: { blocked: [trace_*] }\n${first('lacks: [trace]\n    methods: { allowed: [eth_*, net_*, web3_*, trace_block] }')}`,
      '5:48: warning: upstreams[0].methods.allowed[3]: every method it fits is denied by trace_*',
    ],
    [
      'methods nobody has',
      first('methods: { allowed: [eth_*, net_listening, net_peerCount] }'),
      '1:1: warning: upstreams: network default: no upstream may be called for net_version, web3_clientVersion and 1 more (allow it for one of them, or put it into methods.blocked)',
    ],
    [
      'parts nobody has',
      first('lacks: [trace, archive]'),
      '3:5: warning: upstreams[0].lacks: no upstream is called for trace_*: callers get 503, which most libraries repeat (put it into methods.blocked, too)',
    ],
    [
      'fewer calls than workers',
      `server: { workers: 8 }\n${first('max_in_flight: 4')}`,
      '4:20: warning: upstreams[0].max_in_flight: fewer than the 8 workers (server.workers): they wait for one another',
    ],
    [
      'max_wait without batches',
      first('batch: { max_wait: 2ms }'),
      '3:5: warning: upstreams[0].batch: has no effect in mode single (set mode: batched)',
    ],
    [
      'a bearer in the clear',
      'upstreams: [{ url: "http://node.internal", auth: { bearer: "${T:-hunter2}" } }]\n',
      '1:20: warning: upstreams[0].url: credentials cross the network in the clear (use https)',
    ],
    [
      'a webhook without secrets',
      `${one}events: { sinks: [{ name: a, type: webhook, url: "https://example.com" }] }\n`,
      '2:19: warning: events.sinks[0]: no secrets: whoever gets its events cannot tell that they are ours (add secrets: [${WEBHOOK_SECRET}])',
    ],
    [
      'a webhook in the clear',
      `${one}events: { sinks: [{ name: a, type: webhook, url: "http://example.com", secrets: [whsec_cG9seW1vcnBoLWV4YW1wbGUtc2VjcmV0] }] }\n`,
      '2:50: warning: events.sinks[0].url: events cross the network in the clear (use https)',
    ],
    [
      'a webhook to loopback',
      `${one}events: { sinks: [{ name: a, type: webhook, url: "http://localhost:1", secrets: [whsec_cG9seW1vcnBoLWV4YW1wbGUtc2VjcmV0] }] }\n`,
      '2:50: warning: events.sinks[0].url: a loopback address is refused (set allow_private: true)',
    ],
    [
      'minutes dropped before journals',
      `${one}server: { state_dir: /s }\nstore: sqlite\nusage: { keep_minutes: 2h }\n`,
      '4:24: warning: usage.keep_minutes: shorter than usage.keep_journal: journals beyond it are compared to the whole hour only (polymorph reconcile) (keep minutes as long as journals, or longer)',
    ],
    [
      'journals kept longer than minutes are by default',
      `${one}server: { state_dir: /s }\nstore: sqlite\nusage: { keep_journal: 8d }\n`,
      '4:1: warning: usage.keep_minutes: shorter than usage.keep_journal: journals beyond it are compared to the whole hour only (polymorph reconcile) (keep minutes as long as journals, or longer)',
    ],
    [
      'a password in the clear',
      `${one}store: postgres://me:pw@db.internal/polymorph\n`,
      '2:8: warning: store: the password crosses the network in the clear (add ?sslmode=verify-full)',
    ],
    [
      'a password of Redis in the clear',
      `${one}redis: redis://:pw@cache.internal\n`,
      '2:8: warning: redis: the password crosses the network in the clear (write rediss://)',
    ],
    [
      'a password of Sentinels in the clear',
      `${one}redis: { sentinels: ['s.internal:26379'], name: m, sentinel_password: pw }\n`,
      '2:8: warning: redis: the password crosses the network in the clear (add tls: {})',
    ],
    [
      'raw usage without a store',
      `${one}store: none\nusage: { raw_logs: all }\n`,
      '3:20: warning: usage.raw_logs: has no effect: store is none (set store: sqlite)',
    ],
    [
      'hedging among one',
      `${one}hedge: { enabled: true }\n`,
      '2:19: warning: hedge.enabled: has no effect: there is one upstream, and nobody else to ask',
    ],
    [
      'hedging without a budget',
      `${two}hedge: { enabled: true }\nretry: { budget: 0% }\n`,
      '2:19: warning: hedge.enabled: has no effect: retry.budget is 0 (give retry.budget a share such as 10%)',
    ],
    [
      'a share of a cost that is one token everywhere',
      `${one}limits: { charge_cached: 25% }\n`,
      '2:26: warning: limits.charge_cached: has no effect: tokens are whole, and no method costs more than one (write 0, or give methods.costs)',
    ],
    [
      'a call of one’s own in place of Ethereum’s checks',
      `${one}health: { call: { method: net_version } }\n`,
      '2:17: warning: health.call: takes the place of Ethereum’s own checks: no head is known, none is behind, and only what cache.methods names is kept',
    ],
    [
      'a lag without a head',
      `${one}max_block_lag: 3\nhealth: { interval: 0 }\n`,
      '2:16: warning: max_block_lag: has no effect: with health.interval 0 no head is known',
    ],
    [
      'a lag without blocks',
      `${one}max_block_lag: 3\nkind: generic\n`,
      '2:16: warning: max_block_lag: has no effect: kind: generic has no blocks',
    ],
    [
      'everything critical',
      `${one}methods: { critical: ["*"] }\n`,
      '2:23: warning: methods.critical[0]: every method is critical: nothing is held in reserve for any (name the few that matter most)',
    ],
    [
      'a blocked method that is critical',
      `${one}methods: { blocked: [admin_*], critical: [admin_peers] }\n`,
      '2:43: warning: methods.critical[0]: every method it fits is blocked by admin_*',
    ],
  ])('%s', (_, text, warning) => {
    expect(warningsOf(text)).toEqual([warning]);
  });

  it.each([
    ['several upstreams', two],
    [
      'a node without debug and trace, where they are blocked',
      `methods: { blocked: [debug_*, trace_*] }\n${first('lacks: [archive, trace, debug]')}`,
    ],
    [
      'a node without trace beside one that has it',
      'upstreams:\n  - { url: "http://127.0.0.1:1", lacks: [trace] }\n  - url: http://127.0.0.1:2\n',
    ],
    ['methods blocked anyway', `methods: { blocked: [net_*] }\n${first('methods: { denied: [net_*] }')}`],
    [
      'methods that another has',
      'upstreams:\n  - { url: "http://127.0.0.1:1", methods: { allowed: [debug_*] } }\n  - url: http://127.0.0.1:2\n',
    ],
    ['no wallet’s methods on another chain', `kind: generic\n${first('methods: { allowed: [getSlot] }')}`],
    ['a short max_backoff', `${one}retry: { max_backoff: 10ms }\n`],
    ['a small cache', `${one}cache: { max_bytes: 128KiB }\n`],
    ['a cache of reads', `${one}cache: { methods: { eth_get*: 1s, eth_getFilterChanges: off } }\n`],
    [
      'hedging for the network that has two',
      'hedge: { enabled: true }\nnetworks:\n  a: { upstreams: [{ url: "http://127.0.0.1:1" }] }\n  b: { upstreams: [{ url: "http://127.0.0.1:1" }, { url: "http://127.0.0.1:2" }] }\n',
    ],
  ])('none of %s', (_, text) => {
    expect(warningsOf(text)).toEqual([]);
  });

  it('says of the top once what is wrong there for several networks', () => {
    const text =
      'hedge: { enabled: true }\nnetworks:\n  a: { upstreams: [{ url: "http://127.0.0.1:1" }] }\n  b: { upstreams: [{ url: "http://127.0.0.1:1" }] }\n';
    expect(warningsOf(text)).toHaveLength(1);
  });
});
