import { describe, expect, it } from 'vitest';
import { batchVices, startFakeUpstream, type Vice, vices } from '../../test/fakes/upstream.ts';
import { type Caller, policyFor, sendTo, sleep, testDeps } from './testing/caller.ts';
import { createUpstream } from './upstream.ts';

const modes = ['single', 'pipelined', 'batched'] as const;
/** `timeoutMs` of the test policy, and what a busy machine may add. */
const deadlineMs = 600 + 400;

/** Four turns of calls, safe and unsafe, towards a node with this vice; then everything is looked at. */
async function underVice(
  vice: Vice,
  mode: (typeof modes)[number],
  calls: { safe: boolean }[],
): Promise<Caller[]> {
  const fake = await startFakeUpstream({ vice });
  const upstream = createUpstream(policyFor(fake.port, { mode }), testDeps());
  const callers: Caller[] = [];
  for (let turn = 0; turn < 4; turn++) {
    for (const { safe } of calls) callers.push(sendTo(upstream, { safe }));
    await sleep(20);
  }
  await Promise.all(callers.map((caller) => caller.settled));
  await sleep(20);
  const stats = upstream.stats();
  expect(stats.inFlight + stats.queued).toBe(0);
  expect(stats.answered + stats.failed).toBe(callers.length);
  for (const caller of callers) {
    expect(caller.outcomes).toHaveLength(1);
    const outcome = caller.outcomes[0]!;
    expect(outcome.inside).toBe(false);
    expect(outcome.ms).toBeLessThan(deadlineMs);
    if (outcome.kind === 'answered') expect(caller.result).toBe(caller.nonce);
    const copies = fake.bodies.filter((body) => body.includes(`[${caller.nonce}]`)).length;
    expect(copies).toBeLessThanOrEqual(caller.safe ? 2 : 1);
    if (outcome.kind === 'failed' && outcome.failure.delivered === 'no') expect(copies).toBe(0);
  }
  await upstream.close(0);
  expect(upstream.stats().connections).toBe(0);
  // What the node did wrong is over: the same upstream serves again.
  fake.behave({});
  const again = createUpstream(policyFor(fake.port, { mode }), testDeps());
  const last = sendTo(again);
  await last.settled;
  expect(last.result).toBe(last.nonce);
  await again.close(0);
  await fake.close();
  return callers;
}

function expectOutcome(callers: Caller[], answers: 'never' | 'always' | 'sometimes'): void {
  const answered = callers.filter((caller) => caller.outcomes[0]!.kind === 'answered').length;
  const reasons = callers.map((caller) => caller.reason).filter((reason) => reason !== '');
  if (answers === 'always') expect(reasons).toEqual([]);
  if (answers === 'never') expect(answered).toBe(0);
}

const mixed = [{ safe: true }, { safe: true }, { safe: false }, { safe: true }];
const safeOnly = [{ safe: true }, { safe: true }, { safe: true }];

describe.each(modes)(
  '%s: every call is answered or failed once, in time, and never with another answer',
  (mode) => {
    describe.concurrent('a node that', () => {
      for (const [name, { vice, answers }] of Object.entries(vices)) {
        it(name, async () => {
          expectOutcome(await underVice(vice, mode, mixed), answers);
        });
      }
    });
  },
);

describe.concurrent('batched: a node that', () => {
  for (const [name, { vice, answers }] of Object.entries(batchVices)) {
    it(name, async () => {
      expectOutcome(await underVice(vice, 'batched', safeOnly), answers);
    });
  }
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
