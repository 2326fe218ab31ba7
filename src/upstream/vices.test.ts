import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { batchVices, startFakeUpstream, type Vice, vices } from '../../test/fakes/upstream.ts';
import type { UpstreamPolicy } from '../config/index.ts';
import { type Caller, policyFor, sendTo, sleep, testDeps } from './testing/caller.ts';
import { startHttp2Node } from './testing/http2-node.ts';
import { http2BatchVices, http2Vices } from './testing/http2-vices.ts';
import { createUpstream } from './upstream.ts';

const modes = ['single', 'pipelined', 'batched'] as const;
/** `timeoutMs` of the test policy, and what a busy machine may add. */
const deadlineMs = 600 + 1400;

/** Where nothing should run into a deadline, however busy the machine is. */
const patient = { connectTimeoutMs: 5000, firstByteTimeoutMs: 5000, timeoutMs: 10_000 };

function patience(answers: 'never' | 'always' | 'sometimes'): Partial<UpstreamPolicy> {
  return answers === 'always' ? patient : {};
}

/** A node to be misused, of either version. */
interface Node {
  port: number;
  bodies: readonly string[];
  /** From now on it answers rightly. */
  mend(): void;
  close(): Promise<void>;
}

/** Sound HTTP, whatever it says: the connection is as good as before. To a batch, one error is a refusal. */
function isSound(name: string, mode: string): boolean {
  return (
    name === 'answers 502 with HTML' || (mode === 'batched' && name === 'answers with id null and an error')
  );
}

/** Requests that came over a connection after an exchange on it had gone wrong; see `watched`. */
interface Reuse {
  count: number;
}

/** The vice, and a look at who writes to a connection that has met it: requests of the same write are not meant. */
function watched(vice: Vice, reuse: Reuse): Vice {
  const spoiled = new WeakSet<Socket>();
  return {
    ...vice,
    request(x) {
      if (spoiled.has(x.socket)) reuse.count++;
      setImmediate(() => spoiled.add(x.socket));
      vice.request?.(x);
    },
  };
}

/** A hundred calls in four turns, safe and unsafe, towards a node with a vice; then everything is looked at. */
async function underVice(
  node: Node,
  over: Partial<UpstreamPolicy>,
  calls: { safe: boolean }[],
): Promise<Caller[]> {
  const upstream = createUpstream(policyFor(node.port, over), testDeps());
  const callers: Caller[] = [];
  for (let turn = 0; turn < 4; turn++) {
    for (const { safe } of calls) callers.push(sendTo(upstream, { safe }));
    await sleep(20);
  }
  await Promise.all(callers.map((caller) => caller.settled));
  await sleep(20);
  const stats = upstream.stats();
  expect(stats.inFlight + stats.queued + upstream.inFlight).toBe(0);
  expect(stats.answered + stats.failed).toBe(callers.length);
  for (const caller of callers) {
    expect(caller.outcomes).toHaveLength(1);
    const outcome = caller.outcomes[0]!;
    expect(outcome.inside).toBe(false);
    expect(outcome.ms).toBeLessThan(over.timeoutMs ?? deadlineMs);
    if (outcome.kind === 'answered') expect(caller.result).toBe(caller.nonce);
    const copies = node.bodies.filter((body) => body.includes(`[${caller.nonce}]`)).length;
    expect(caller.attempts).toBeGreaterThanOrEqual(copies);
    expect(caller.attempts).toBeLessThanOrEqual(caller.safe ? 2 : 1);
    expect(copies).toBeLessThanOrEqual(caller.safe ? 2 : 1);
    if (outcome.kind === 'failed' && outcome.failure.delivered === 'no' && over.http2 !== true)
      expect(copies).toBe(0);
  }
  await upstream.close(0);
  expect(upstream.stats().connections).toBe(0);
  // What the node did wrong is over: the same upstream serves again.
  node.mend();
  const again = createUpstream(policyFor(node.port, { ...over, ...patient }), testDeps());
  const last = sendTo(again);
  await last.settled;
  expect(last.result).toBe(last.nonce);
  await again.close(0);
  await node.close();
  return callers;
}

async function nodeWith(vice: Vice): Promise<Node> {
  const fake = await startFakeUpstream({ vice });
  return { port: fake.port, bodies: fake.bodies, mend: () => fake.behave({}), close: () => fake.close() };
}

function expectOutcome(callers: Caller[], answers: 'never' | 'always' | 'sometimes'): void {
  const answered = callers.filter((caller) => caller.outcomes[0]!.kind === 'answered').length;
  const reasons = callers.map((caller) => caller.reason).filter((reason) => reason !== '');
  if (answers === 'always') expect(reasons).toEqual([]);
  if (answers === 'never') expect(answered).toBe(0);
}

const mixed = Array.from({ length: 25 }, (_, place) => ({ safe: place % 4 !== 2 }));
const safeOnly = mixed.map(() => ({ safe: true }));

describe.each(modes)(
  '%s: every call is answered or failed once, in time, and never with another answer',
  (mode) => {
    describe.concurrent('a node that', () => {
      for (const [name, { vice, answers }] of Object.entries(vices)) {
        it(name, async () => {
          const reuse = { count: 0 };
          const node = await nodeWith(answers === 'never' ? watched(vice, reuse) : vice);
          expectOutcome(await underVice(node, { mode, ...patience(answers) }, mixed), answers);
          if (!isSound(name, mode)) expect(reuse.count).toBe(0);
        });
      }
    });
  },
);

describe.concurrent('batched: a node that', () => {
  for (const [name, { vice, answers }] of Object.entries(batchVices)) {
    it(name, async () => {
      expectOutcome(
        await underVice(await nodeWith(vice), { mode: 'batched', ...patience(answers) }, safeOnly),
        answers,
      );
    });
  }
});

describe.concurrent.each(modes)('HTTP/2, %s: a node that', (mode) => {
  for (const [name, { vice, answers }] of Object.entries(http2Vices)) {
    it(name, async () => {
      const started = await startHttp2Node({ vice });
      const node = { ...started, mend: () => started.behave((x) => x.send()) };
      expectOutcome(await underVice(node, { mode, http2: true, ...patience(answers) }, mixed), answers);
    });
  }
});

describe.concurrent('HTTP/2, batched: a node that', () => {
  for (const [name, { vice, answers }] of Object.entries(http2BatchVices)) {
    it(name, async () => {
      const started = await startHttp2Node({ vice });
      const node = { ...started, mend: () => started.behave((x) => x.send()) };
      expectOutcome(
        await underVice(node, { mode: 'batched', http2: true, ...patience(answers) }, safeOnly),
        answers,
      );
    });
  }
});

it('HTTP/2: a connection that brought a wrong answer carries no other call', async () => {
  const node = await startHttp2Node({ vice: http2Vices['answers with another id']!.vice });
  const upstream = createUpstream(policyFor(node.port, { http2: true }), testDeps());
  for (let call = 1; call <= 4; call++) {
    await sendTo(upstream).settled;
    expect(node.bodies).toHaveLength(call);
    expect(node.accepted).toBe(call);
  }
  await upstream.close(0);
  await node.close();
});

describe.concurrent.each(modes)('%s: nodes that misbehave now and then', (mode) => {
  it('mix up no answers', async () => {
    const all = [...Object.values(vices), ...Object.values(batchVices)].map((entry) => entry.vice);
    let turn = 0;
    let chosen: Vice = {};
    // Every seventh connection, or request, meets another vice.
    const vice: Vice = {
      accept: (socket) => chosen.accept?.(socket),
      request(x) {
        chosen = turn++ % 7 === 0 ? all[turn % all.length]! : {};
        if (chosen.request === undefined) x.send(x.http());
        else chosen.request(x);
      },
    };
    const fake = await startFakeUpstream({ vice });
    const upstream = createUpstream(policyFor(fake.port, { mode }), testDeps());
    const callers: Caller[] = [];
    for (let round = 0; round < 100; round++) {
      for (let i = 0; i < 1 + (round % 9); i++)
        callers.push(sendTo(upstream, { safe: i % 4 !== 3, cheap: i % 3 !== 2 }));
      await sleep(round % 5);
    }
    await Promise.all(callers.map((caller) => caller.settled));
    for (const caller of callers) {
      expect(caller.outcomes).toHaveLength(1);
      if (caller.reason === '') expect(caller.result).toBe(caller.nonce);
    }
    expect(callers.filter((caller) => caller.reason === '').length).toBeGreaterThan(callers.length / 4);
    await upstream.close(0);
    await fake.close();
  });
});
