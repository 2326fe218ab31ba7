import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { startAccounts, type TestAccounts } from '../testing/accounts.ts';

let accounts: TestAccounts;
let event: string;
beforeAll(async () => {
  accounts = await startAccounts();
});
afterAll(() => accounts.end());
beforeEach(async () => {
  event = randomUUID();
  const entry = {
    id: event,
    type: 'ip.banned',
    subject: 's',
    severity: 'warning',
    atMs: accounts.at,
  } as const;
  const nobody = { keyId: null, userId: null };
  await accounts.store.outbox.add([{ ...entry, ...nobody, event: '{}', sinks: ['billing'] }]);
});

const claim = () =>
  accounts.store.outbox.claim({
    ...{ sink: 'billing', limit: { new: 100, retry: 100 }, by: 'gateway' },
    ...{ nowMs: accounts.at, untilMs: accounts.at + 60_000 },
  });

it('sends an event to a sink that is to have it, whatever became of it', async () => {
  await accounts.store.outbox.abandon({ only: 'billing' }, 'off', accounts.at);
  expect(await accounts.run('events.replay', { event, sink: 'billing' })).toEqual({ replayed: 1 });
  expect(await accounts.run('events.replay', { event, sink: 'team' })).toEqual({ replayed: 1 });
});

it('promises nothing of a sink that the config has not', async () => {
  const asked = accounts.run('events.replay', { event, sink: 'nosuch' });
  await expect(asked).rejects.toMatchObject({
    code: 'not_found',
    message: 'There is no sink nosuch in the config: it has billing, team',
  });
  const { deliveries } = (await accounts.store.outbox.get(event))!;
  expect(deliveries.map(({ sink }) => sink)).toEqual(['billing']);
  const elsewhere = { ...accounts, sinks: () => null };
  const { replayEvents } = await import('./replay.ts');
  expect(await replayEvents(elsewhere, { event, sink: 'nosuch' })).toEqual({ replayed: 1 });
});

it('takes nothing from a gateway that has it in hand', async () => {
  const before = await claim();
  expect(before.length).toBeGreaterThan(0);
  expect(await accounts.run('events.replay', { event, sink: 'billing' })).toEqual({ replayed: 0 });
  expect(await claim()).toEqual([]);
});
