import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { DeliveryOutcome, OutboxEntry } from '../../../events/index.ts';
import { noon, type Subject } from '../subject.ts';

const minute = 60_000;
/** Sinks of one test alone: the subject is shared. */
const newSink = (): string => `sink-${randomUUID().slice(0, 8)}`;

function entry(values: Partial<OutboxEntry> = {}): OutboxEntry {
  const id = randomUUID();
  return {
    ...{ id, type: 'ip.banned', subject: '203.0.113.7', severity: 'warning', atMs: noon },
    ...{ keyId: null, userId: null, sinks: [] },
    event: JSON.stringify({ id, z: 'Ünïts\u0000', a: [1.5] }),
    ...values,
  };
}

const some = { new: 100, retry: 100 };
const ask = (sink: string, values: object = {}) => ({
  ...{ sink, limit: some, by: 'one', nowMs: noon, untilMs: noon + minute },
  ...values,
});

export function describeOutbox(subject: () => Subject): void {
  const outcome = (number: number, sink: string, values: Partial<DeliveryOutcome> = {}): DeliveryOutcome => ({
    ...{ number, sink, state: 'delivered', attempts: 1, dueAtMs: noon, problem: null },
    ...values,
  });

  it('gives events of one call their numbers in order, once each, and keeps their bytes', async () => {
    const { outbox } = subject().store;
    const sink = newSink();
    const entries = Array.from({ length: 450 }, () => entry({ sinks: [sink] }));
    await outbox.add(entries);
    await outbox.add(entries);
    const claimed = await outbox.claim(ask(sink, { limit: { new: 1000, retry: 0 } }));
    expect(claimed.map(({ event }) => event)).toEqual(entries.map(({ event }) => event));
    const numbers = claimed.map(({ number }) => number);
    expect(new Set(numbers).size).toBe(450);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(claimed[0]).toMatchObject({ sink, subject: '203.0.113.7', attempts: 0 });
  });

  it('adds an event with what caused it, or not at all', async () => {
    const { store } = subject();
    const sink = newSink();
    const lost = entry({ sinks: [sink] });
    await expect(
      store.transaction(async ({ outbox }) => {
        await outbox.add([lost]);
        throw new Error('given up');
      }),
    ).rejects.toThrow('given up');
    expect(await store.outbox.get(lost.id)).toBeNull();
    expect(await store.outbox.due([sink], noon)).toEqual([]);
    await store.transaction(async ({ outbox }) => outbox.add([lost]));
    expect(await store.outbox.due([sink], noon)).toEqual([{ sink, dueAtMs: 0 }]);
  });

  it('lets one claim a delivery until the claim ends, and whoever delivered it say so', async () => {
    const { outbox } = subject().store;
    const sink = newSink();
    await outbox.add([entry({ sinks: [sink] })]);
    const [mine] = await outbox.claim(ask(sink));
    expect(await outbox.claim(ask(sink, { by: 'two' }))).toEqual([]);
    expect(await outbox.due([sink], noon)).toEqual([]);
    await outbox.renew('one', { sink, numbers: [mine!.number] }, noon + 2 * minute);
    await outbox.renew('two', { sink, numbers: [mine!.number] }, noon + 9 * minute);
    expect(await outbox.claim(ask(sink, { by: 'two', nowMs: noon + minute + 1 }))).toEqual([]);
    const later = noon + 2 * minute;
    const [theirs] = await outbox.claim(ask(sink, { by: 'two', nowMs: later, untilMs: later + minute }));
    expect(theirs).toEqual(mine);
    // One that is late has no say in what another has taken over.
    await outbox.settle([outcome(mine!.number, sink, { state: 'dead', problem: 'late' })], 'one', later);
    expect((await outbox.list({ sink }, 1))[0]!.deliveries[0]).toMatchObject({ state: 'new', problem: null });
    await outbox.settle([outcome(mine!.number, sink)], 'one', later);
    expect((await outbox.list({ sink }, 1))[0]!.deliveries).toEqual([
      { sink, state: 'delivered', attempts: 1, dueAtMs: null, problem: null, doneAtMs: later },
    ]);
  });

  it('gives what failed again once it is due, beside those never tried', async () => {
    const { outbox } = subject().store;
    const sink = newSink();
    await outbox.add([entry({ sinks: [sink] }), entry({ sinks: [sink] })]);
    const [first] = await outbox.claim(ask(sink, { limit: { new: 1, retry: 1 } }));
    const retry = { state: 'retry' as const, attempts: 3, dueAtMs: noon + 5000, problem: 'answered 503' };
    await outbox.settle([outcome(first!.number, sink, retry)], 'one', noon);
    expect(await outbox.due([sink], noon)).toEqual([
      { sink, dueAtMs: 0 },
      { sink, dueAtMs: noon + 5000 },
    ]);
    expect(await outbox.claim(ask(sink, { limit: { new: 0, retry: 9 }, nowMs: noon + 4999 }))).toEqual([]);
    const due = await outbox.claim(ask(sink, { nowMs: noon + 5000, untilMs: noon + minute }));
    expect(due.map(({ number, attempts }) => [number, attempts])).toEqual([
      [first!.number, 3],
      [first!.number + 1, 0],
    ]);
    await outbox.release('one');
    expect(await outbox.claim(ask(sink, { by: 'two', nowMs: noon + 5000 }))).toHaveLength(2);
  });

  it('lets go of some of what it has claimed, and of no state', async () => {
    const { outbox } = subject().store;
    const sink = newSink();
    await outbox.add([entry({ sinks: [sink] }), entry({ sinks: [sink] }), entry({ sinks: [sink] })]);
    const [first, second] = await outbox.claim(ask(sink));
    const these = { sink, numbers: [first!.number, second!.number] };
    await outbox.release('two', these);
    await outbox.release('one', { sink: newSink(), numbers: these.numbers });
    expect(await outbox.claim(ask(sink, { by: 'two' }))).toEqual([]);
    await outbox.release('one', these);
    expect((await outbox.list({ sink }, 9)).map(({ deliveries }) => deliveries[0]!.state)).toEqual([
      ...['new', 'new', 'new'],
    ]);
    expect(await outbox.claim(ask(sink, { by: 'two' }))).toEqual([first, second]);
  });

  it('lets go of all that it has claimed of a sink but what it knows of', async () => {
    const { outbox } = subject().store;
    const [sink, other] = [newSink(), newSink()];
    await outbox.add([...'abcde'].map((subject) => entry({ sinks: [sink, other], subject })));
    const [retried, known, unknown] = await outbox.claim(ask(sink, { limit: { new: 3, retry: 0 } }));
    const [ofAnother] = await outbox.claim(ask(sink, { by: 'two', limit: { new: 1, retry: 0 } }));
    await outbox.claim(ask(other));
    const retry = { state: 'retry' as const, dueAtMs: noon, problem: 'answered 503' };
    await outbox.settle([outcome(retried!.number, sink, retry)], 'one', noon);
    await outbox.claim(ask(sink, { limit: { new: 0, retry: 9 } }));
    expect(await outbox.recover('one', { sink, known: [known!.number, ofAnother!.number] })).toBe(true);
    const free = await outbox.claim(ask(sink, { by: 'three' }));
    const others = [retried!.number, unknown!.number, ofAnother!.number + 1];
    expect(free.map(({ number }) => number)).toEqual(others);
    expect(await outbox.claim(ask(other, { by: 'three' }))).toEqual([]);
    expect(await outbox.recover('one', { sink, known: [] })).toBe(true);
    expect(await outbox.claim(ask(sink, { by: 'three' }))).toEqual([known]);
  });

  it('has no two claim the same, or begin with one subject at two places', async () => {
    const { store, another } = subject();
    if (another === null) return;
    const other = await another();
    const sink = newSink();
    const entries = Array.from({ length: 60 }, (_, at) => entry({ sinks: [sink], subject: `s${at % 5}` }));
    await store.outbox.add(entries);
    const limit = { new: 7, retry: 0 };
    const taken = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        (at % 2 ? other : store).outbox.claim(ask(sink, { limit, by: at % 2 ? 'two' : 'one' })),
      ),
    );
    const all = taken.flat().map(({ number }) => number);
    expect(new Set(all).size).toBe(all.length);
    const of = (by: number) =>
      new Set(taken.filter((_, at) => at % 2 === by).flatMap((some) => some.map((one) => one.subject)));
    for (const name of of(0)) expect(of(1)).not.toContain(name);
    await other.close();
  });

  it('keeps what no sink was found for until one says where it goes', async () => {
    const { outbox } = subject().store;
    const sink = newSink();
    const one = entry({ sinks: null, keyId: randomUUID(), userId: randomUUID() });
    await outbox.add([one]);
    const [found] = await outbox.unrouted(10);
    const { event: _, sinks: __, ...rest } = one;
    expect(found).toEqual({ ...rest, number: found!.number });
    const routes = [{ number: found!.number, subject: one.subject, sinks: [sink] }];
    await outbox.route(routes, noon);
    await outbox.route(routes, noon);
    expect(await outbox.unrouted(10)).toEqual([]);
    expect(await outbox.claim(ask(sink))).toHaveLength(1);
  });

  it('makes dead letters of what goes nowhere, which can be replayed', async () => {
    const { outbox } = subject().store;
    const [gone, kept] = [newSink(), newSink()];
    const entries = [entry({ sinks: [gone, kept] }), entry({ sinks: [gone] })];
    await outbox.add(entries);
    expect(await outbox.abandon({ only: gone }, 'it is off', noon)).toBe(2);
    expect(await outbox.claim(ask(gone))).toEqual([]);
    expect(await outbox.claim(ask(kept, { limit: { new: 0, retry: 0 } }))).toEqual([]);
    const [, first] = await outbox.list({ sink: gone, states: ['dead'] }, 10);
    expect(first!.deliveries).toMatchObject(
      [
        { sink: gone, state: 'dead', attempts: 0, problem: 'it is off', doneAtMs: noon },
        { sink: kept, state: 'new' },
      ].sort((a, b) => (a.sink < b.sink ? -1 : 1)),
    );
    expect(await outbox.replay({ ids: [entries[1]!.id], sink: gone }, noon)).toBe(1);
    expect(await outbox.replay({ ids: [entries[1]!.id], sink: gone }, noon)).toBe(0);
    expect((await outbox.claim(ask(gone))).map(({ attempts }) => attempts)).toEqual([0]);
    expect(await outbox.resend(entries[0]!.id, gone, noon)).toBe(true);
    expect(await outbox.resend(randomUUID(), gone, noon)).toBe(false);
    expect(await outbox.claim(ask(gone))).toHaveLength(1);
    // Nothing is taken from who delivers it now.
    expect(await outbox.resend(entries[0]!.id, gone, noon)).toBe(false);
    expect(await outbox.claim(ask(gone, { by: 'two' }))).toEqual([]);
    expect(await outbox.resend(entries[0]!.id, gone, noon + minute)).toBe(true);
  });

  it('abandons what belongs to sinks that nobody has', async () => {
    const { outbox } = subject().store;
    const [known, unknown] = [newSink(), newSink()];
    await outbox.add([entry({ sinks: [known, unknown] })]);
    const { now } = subject().clock;
    await outbox.abandon({ except: [known], dueBeforeMs: now }, 'no such sink', noon);
    expect(await outbox.list({ sink: unknown, states: ['dead'] }, 10)).toEqual([]);
    await outbox.abandon({ except: [known], dueBeforeMs: now + 1 }, 'no such sink', noon);
    expect(await outbox.list({ sink: unknown, states: ['dead'] }, 10)).toHaveLength(1);
    expect(await outbox.list({ sink: known, states: ['new'] }, 10)).toHaveLength(1);
  });

  it('remembers which sinks were turned off', async () => {
    const { outbox } = subject().store;
    const one = { name: newSink(), config: 'aa', disabledAtMs: noon, problem: 'answered 410' };
    await outbox.disable(one);
    await outbox.disable({ ...one, config: 'bb' });
    expect(await outbox.disabled()).toEqual([{ ...one, config: 'bb' }]);
    await outbox.enable(one.name);
    expect(await outbox.disabled()).toEqual([]);
  });

  it('finds events by what they are, the newest first', async () => {
    const { outbox } = subject().store;
    const keyId = randomUUID();
    const one = entry({
      keyId,
      userId: keyId,
      type: 'quota.warning',
      atMs: noon - minute,
      subject: 'key:a/b',
    });
    const two = entry({ keyId, severity: 'error', atMs: noon });
    await outbox.add([one, two]);
    const ids = async (filter: object) => (await outbox.list({ keyId, ...filter }, 10)).map(({ id }) => id);
    expect(await ids({})).toEqual([two.id, one.id]);
    expect(await ids({ types: ['quota.warning', 'ip.unbanned'] })).toEqual([one.id]);
    expect(await ids({ severities: ['error'] })).toEqual([two.id]);
    expect(await ids({ subject: 'key:a/b' })).toEqual([one.id]);
    expect(await ids({ userId: keyId })).toEqual([one.id]);
    expect(await ids({ from: noon })).toEqual([two.id]);
    expect(await ids({ to: noon })).toEqual([one.id]);
    const row = await outbox.get(two.id);
    expect(await ids({ before: row!.number })).toEqual([one.id]);
    expect(await outbox.list({ keyId }, 1)).toHaveLength(1);
  });

  it('writes rows of billing_events, once each', async () => {
    const { store, sql } = subject();
    const entries = [entry({ keyId: randomUUID(), event: '{"a":1}' }), entry({ event: '{"b":2}' })];
    await store.outbox.add(entries);
    await store.outbox.recordBilling(entries.map(({ id }) => id));
    await store.outbox.recordBilling(entries.map(({ id }) => id));
    // A third of one event would be refused.
    const insert = `insert into billing_events (event_type, timestamp, event_id) select type, at, id from outbox where id = '${entries[0]!.id}'`;
    await expect(sql(insert)).rejects.toThrow(/unique|duplicate/i);
  });

  it('deletes events that are old, but none that is still to be delivered', async () => {
    const { store, clock } = subject();
    const sink = newSink();
    const old = noon - 40 * 86_400_000;
    const [waits, over] = [entry({ atMs: old, sinks: [sink] }), entry({ atMs: old })];
    const ancient = entry({ atMs: old - 30 * 86_400_000, sinks: [sink] });
    await store.outbox.add([waits, over, ancient]);
    const forever = { minutesMs: Infinity, hoursMs: Infinity, daysMs: Infinity, rawMs: Infinity };
    await store.maintain({ ...forever, eventsMs: 30 * 86_400_000, eventsMax: Infinity });
    expect(await store.outbox.get(over.id)).toBeNull();
    expect(await store.outbox.get(ancient.id)).toBeNull();
    expect(await store.outbox.get(waits.id)).not.toBeNull();
    await store.outbox.abandon({ only: sink }, 'over', clock.now);
    await store.maintain({ ...forever, eventsMs: 30 * 86_400_000, eventsMax: Infinity });
    expect(await store.outbox.get(waits.id)).toBeNull();
  });

  it('keeps so many events: floods go first, dead letters last, and never what is still to be delivered', async () => {
    const { store, sql } = subject();
    const { outbox } = store;
    const sink = newSink();
    // The subject is shared: of what other tests left nothing is to be seen here.
    await sql('delete from outbox');
    const flood = { type: 'method.blocked' as const };
    const entries = [
      entry({ ...flood, sinks: [sink] }),
      ...[entry(), entry(flood), entry(), entry(flood), entry()],
      entry({ sinks: null }),
    ];
    const dead = entry({ sinks: [`${sink}-off`] });
    await outbox.add([dead, ...entries]);
    await outbox.abandon({ only: `${sink}-off` }, 'over', noon);
    const forever = { minutesMs: Infinity, hoursMs: Infinity, daysMs: Infinity, rawMs: Infinity };
    const keptOf = async (eventsMax: number): Promise<number[]> => {
      await store.maintain({ ...forever, eventsMs: Infinity, eventsMax });
      const rows = await outbox.list({}, 100);
      return rows.map(({ id }) => [dead, ...entries].findIndex((one) => one.id === id)).reverse();
    };
    expect(await keptOf(8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(await keptOf(7)).toEqual([0, 1, 2, 4, 5, 6, 7]);
    expect(await keptOf(5)).toEqual([0, 1, 4, 6, 7]);
    expect(await keptOf(3)).toEqual([0, 1, 7]);
    expect(await keptOf(1)).toEqual([1, 7]);
  });
}
