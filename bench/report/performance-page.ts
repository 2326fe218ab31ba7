import type { Upstreams } from '../scenarios/upstreams.ts';
import type { Websocket } from '../scenarios/websocket.ts';
import type { Results } from './results.ts';
import { askedTable } from './asked-table.ts';
import { costTable, figuresTable, killTable, latencyTable } from './sections.ts';
import { markdownTable } from './table.ts';

/** docs/performance.md, whole, of a valid run. */
export function performancePage(results: Results): string {
  const {
    at,
    commit,
    machine,
    options,
    figures,
    cost,
    latency,
    reload,
    memory,
    upstreams,
    websocket,
    instances,
    starts,
  } = results;
  const parts = [
    '# Performance',
    '<!-- Written by `npm run bench`; a change here is lost at the next run. -->',
    `Measured ${at.slice(0, 10)} at commit ${commit}${commit.endsWith('+') ? ' (with uncommitted changes)' : ''}, ` +
      `${options.rounds} rounds of ${options.seconds} s. The raw figures of each round are in \`bench/results/\`.`,
    '## Figures and targets',
    markdownTable(...figuresTable(figures)),
    `## Everything that was asked for\n\n${markdownTable(...askedTable(figures))}\n\n${readAsked}`,
    cost ? `## CPU a request\n\n${markdownTable(...costTable(cost))}\n\n${readCost}` : '',
    latency
      ? `## Latency at half load\n\n${markdownTable(...latencyTable(latency))}\n\n${readLatency(latency.rate)}`
      : '',
    memory ? `## Memory\n\n${readMemory}` : '',
    reload ? `## Reload\n\n${readReload(reload.actsAfterMs, reload.rate)}` : '',
    upstreams
      ? `## Upstreams\n\n${markdownTable(...killTable(upstreams))}\n\n${readUpstreams(upstreams)}`
      : '',
    websocket ? `## WebSocket\n\n${readWebsocket(websocket)}` : '',
    instances ? `## Several instances\n\n${readInstances}` : '',
    starts ? `## Start\n\n${readStarts}` : '',
    '## The machine',
    markdownTable(
      ['', ''],
      Object.entries(machine).map(([name, value]) => [labels[name] ?? name, String(value)]),
    ),
    notShown,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

const labels: Record<string, string> = {
  cpu: 'CPU',
  memoryGiB: 'memory, GiB',
  node: 'Node',
  placement: 'placement',
};

const readAsked = `Figures as they stood in the plan, part by part. Those of the bench are of this run; *pass* and *miss* are by their targets above. Others are asserted
by a test of the suite at each run, mostly with the same bound: where it is another, since tests share their machine, it stands there, and without a value
of its own nothing is judged. Values with a day and a commit are of that run, not of this one.`;

const readStarts = `From the start of the program to its first answered call (polled every 4 ms), with a config that names one node: all else as by default, so with SQLite,
journal and a worker for each core; caches warm. *The package* is what \`npm pack\` holds, run by \`node dist/main.js\`; *a checkout* is \`bin/polymorph\`. Both
started in turns. Where the time goes: [decision 14](decisions/0014-what-a-start-costs.md).`;

const readCost = `64 connections, one call of about 200 bytes (\`eth_call\`) on each at a time, sent by wrk as fast as answers come. The
cost is user + system time of all of the proxy's threads and processes (\`/proc/PID/stat\`) over the requests answered
in that time, after a warm-up. The upstream (\`bench/native/upstream.c\`) answers from memory on another core, so what
is seen is the proxy.

- **nginx**: one worker, \`proxy_pass\` over kept connections, \`limit_req\` by the \`X-API-Key\` header, no access log.
- **haproxy**: one thread, a stick table that counts by the same header, connections reused.
- **direct**: the upstream itself in the proxy's place: what accepting and answering a call costs at the least.
- **single, pipelined, batched**: PolymorphProxy, one worker and its main thread on one core, by upstream mode. 65 keys,
  three rules and a ceiling, RateLimit headers and counters on, as in \`bench/servers/polymorph.ts\`; health checks,
  breaker and retries, too. Cache and coalescing are off. Before the measurement, answers are compared with the upstream's
  own byte for byte; during it, every call must be answered with 200 and be seen by the upstream once.
- **with cache**: the same with cache and coalescing on. The load goes round 1,024 different calls, and the cache has room
  for some 120 answers, for 5 ms: each call is looked for, may be joined, and its answer is weighed against what is kept. *× without* compares it
  with the same mode in the same round.
- **with usage**: \`single\` with every call in a journal and, by the store's thread on the same core, in SQLite's ledger;
  *× without* compares it with \`single\` in the same round. 64 keys, so that few calls of one turn are alike.
- **everything on**: *with cache* and *with usage*, in each mode, and besides, all at once: quotas of all keys, leased limits and quotas over Redis,
  which two further instances share (on the same core, without calls), a list of 20,000 denied networks and \`auto_ban\`, a webhook and the events' history in the store, two alerts, one in a
  hundred decisions kept and raw calls logged, one in a thousand access lines. Redis's own CPU is not in it. Before the measurement a webhook must have told of a
  refusal.
- **refused**: cache and coalescing on, with a key that is over its limit: every answer is a 429 and no call reaches the upstream.
- **cached**: a cache of the usual size, and answers at the head kept for a minute: after the warm-up the 1,024 calls are
  answered from it, and the upstream may see each of them once at most. Compared with what nginx takes to proxy them.
- **16 deep clients**: each connection sends 16 calls before it waits; the load goes round 8,192 calls.

All scenarios are measured once a round, in an order that turns, and compared with nginx in the same round: the figure is
the median of the rounds' ratios. *Core busy* under 100 % means that the load, not the proxy, was the limit of the
requests a second. Where the time goes, and what was tried:
[decision 7](decisions/0007-what-a-call-costs.md).`;

const readLatency = (
  rate: number,
) => `${rate.toLocaleString('en-US')} requests/s to each, half of what \`single, with cache\` takes when saturated, everything on; *added* is over the upstream asked directly in
the same round.

- **h2load**: \`h2load --h1 --rps\`, 16 connections. They wake together every 10 ms and send their share back to back, so
  this is a load of bursts in which calls mostly wait for others: direct, too. All send one call, at \`pending\`, which is
  neither kept nor shared.
- **evenly**: a generator of our own (\`bench/native/pace.c\`), 64 connections, calls due at random moments (Poisson) with the same
  mean, round the 1,024 calls. Time counts from the due moment, also while a call waits for a free connection.`;

const readMemory = `Resident memory of the one process that main, two workers and the store's thread share. The callers come one call each through
\`X-Forwarded-For\` from a trusted proxy, and their limits refill over an hour, so that all of them must be remembered. *A heap in use* is the process
after ten calls of each of a hundredth as many callers.`;

const readReload = (
  times: number[],
  rate: number,
) => `The file is replaced (rename) while ${rate.toLocaleString('en-US')} calls a second pass; eight clients watch \`RateLimit-Policy\`. A reload acts
when none of them sees the old limit any more: ${times.map((time) => `${time.toFixed(0)} ms`).join(', ')}. The longest call is the slowest one
of the load over the whole time, from the moment it was due.`;

const readUpstreams = ({
  identical,
  delayMs,
  rate,
}: Upstreams) => `A constant load of ${rate.toLocaleString('en-US')} calls a second, due at random moments, on 32 connections, over three nodes; the one that
has answered most of them is killed (SIGKILL) after two seconds, and the load goes on for four. A call has failed unless
its answer is a 200 with its own id and a result. Times count from the moment a call was due. *Back after* is the time
from the kill to the first of four windows of 250 ms in a row whose p99 is at most twice the p99 before, and 1 ms.

Coalescing: ${identical} calls with the same method and params, each with an id of its own, sent at once to one worker in front of a
node whose answers take ${delayMs} ms.`;

const readWebsocket = ({
  cost,
  idle,
  fanOut,
}: Websocket) => `Measured with a generator of our own (\`bench/native/sockets.c\`), whose frames are masked as RFC 6455 asks.

- **A call**: the set-up of *single* and its calls, by 64 connections of each transport in turn, one call at a time on
  each; over HTTP from wrk. A socket has its key from its handshake, and its answers no headers. The ratio is the median of the
  rounds' (${cost.ratioFrom.toFixed(2)}–${cost.ratioTo.toFixed(2)}). Every answer must be a result under its call's id, and every call be seen by the node once.
- **Idle sockets**: ${idle.count.toLocaleString('en-US')} that have subscribed to \`newHeads\`, in the one process of main and two workers. The base is
  the same process after heads were sent to some hundred sockets; both are read after three quiet seconds, and once more after ${idle.heads} heads.
- **A head**: from before a node with WebSocket (\`bench/servers/head-node.ts\`) writes it to the moment the last of
  ${fanOut.count.toLocaleString('en-US')} listeners has it, over two workers; node, gateway and listeners share the machine's cores. A head is of
  1.7 KB. Took, in ms: ${fanOut.headsMs.map((time) => time.toFixed(0)).join(', ')}.`;

const readInstances = `One worker under the load of *single*, with two further instances and one Redis (on the upstream's core) beside it; all share their
limits. Each is measured once a round, in an order that turns; the ratios are the medians of the rounds' to the same without \`redis:\`. CPU is
that of main and worker; Redis's own is not in it.

- **leased**: the rules and the ceiling of *single*: up to three leases a call. No call waits for Redis.
- **exact**: the same rules with \`consistency: exact\`: each call is decided by Redis, those of one turn in one command; the ceiling stays leased.`;

const notShown = `## What is not shown

- Real nodes take milliseconds, not microseconds: there the proxy's share of a call is smaller than here.
- TLS, callers far away, slow or many more callers, large answers.
- Several workers at once: one core is shown; how they share a machine's cores is not.
- The figures are of one machine. Compare ratios, and only of the same run.`;
