import { expect, it } from 'vitest';
import type { Call } from './call.ts';
import type { CallContext } from './context.ts';
import { createCallReader } from './read-calls.ts';
import { createRequestIds } from './request-id.ts';
import { callText } from './testing/client.ts';

it('a fault of ours over HTTP, which ends the worker, gives back all calls of the batch that have no answer', () => {
  const givenBack: string[] = [];
  const reader = createCallReader({
    requestIds: createRequestIds('boot', 0, 0),
    pipeline(call: Call) {
      call.charged = true;
      if (call.method === 'answered') call.answeredAt = 5;
      if (call.method === 'under_way') call.attempts = 1;
      if (call.method === 'fails') throw new Error('ours');
    },
    refund(call) {
      if (call.charged) givenBack.push(call.method);
      call.charged = false;
    },
    admission: { admit: () => true, turnsAway: () => false },
    sink: { record() {}, turnedAway() {}, request() {}, unread() {} },
    now: () => 1,
    sample: () => 0,
  });
  const context = { policy: { snapshot: { server: { maxBatchSize: 10 } } }, lane: 'fast' } as CallContext;
  const reply = { abandoned: false, send() {} };
  const names = ['answered', 'under_way', 'fails', 'never_begun'];
  const batch = Buffer.from(`[${names.map((name, at) => callText(name, String(at))).join()}]`);
  expect(() =>
    reader.read(batch, 0, batch.length, { context, callerRequestId: undefined, reply, session: null }),
  ).toThrow('ours');
  expect(givenBack).toEqual(['fails', 'under_way']);
});
