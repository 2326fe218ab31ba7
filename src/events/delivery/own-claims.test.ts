import { beforeEach, expect, it } from 'vitest';
import type { ClaimedDelivery, DeliveryOutcome, Outbox } from '../outbox.ts';
import { createOwnClaims, type OwnClaims } from './own-claims.ts';

const CLAIM_MS = 60_000;
const limit = { new: 9, retry: 9 };
const delivery = (number: number): ClaimedDelivery => ({
  ...{ number, sink: 'one', subject: 's', attempts: 0, event: '{}' },
});
const noted = (number: number): DeliveryOutcome => ({
  ...{ number, sink: 'one', state: 'delivered', attempts: 1, dueAtMs: 0, problem: null },
});

let nowMs: number;
/** What the outbox is asked for. */
let asked: unknown[];
let inherited: unknown[];
/** Of the next claims; an error: it rejects. */
let answers: (number[] | Error)[];
let claims: OwnClaims;

beforeEach(async () => {
  [nowMs, asked, answers] = [0, [], []];
  const outbox: Pick<Outbox, 'claim' | 'renew' | 'release'> = {
    async claim({ sink, untilMs }) {
      asked.push(['claim', sink, untilMs]);
      const answer = answers.shift() ?? [];
      if (answer instanceof Error) throw answer;
      return answer.map(delivery);
    },
    async renew(_by, untilMs) {
      asked.push(['renew', untilMs]);
    },
    async release(_by, these) {
      asked.push(['release', these]);
    },
  };
  claims = createOwnClaims({
    outbox,
    by: 'me',
    claimMs: CLAIM_MS,
    epochMs: () => nowMs,
    elapsedMs: () => nowMs,
  });
  await claims.keep();
  // Of what a process before this one held.
  inherited = asked.splice(0);
});

it('lets go of what a process before this one held, once', async () => {
  expect(inherited).toEqual([['release', undefined]]);
  await claims.keep();
  expect(asked).toEqual([]);
});

it('keeps a claim for as long as something is held', async () => {
  nowMs = CLAIM_MS / 3;
  await claims.keep();
  answers = [[1, 2]];
  expect(await claims.claim('one', limit)).toEqual([delivery(1), delivery(2)]);
  nowMs *= 2;
  await claims.keep();
  await claims.keep();
  claims.noted([noted(1), noted(2)]);
  nowMs *= 2;
  await claims.keep();
  expect(asked).toEqual([
    ['claim', 'one', CLAIM_MS / 3 + CLAIM_MS],
    ['renew', (2 * CLAIM_MS) / 3 + CLAIM_MS],
  ]);
});

it('lets go of what is left, and may have it again', async () => {
  answers = [[1, 2], [1]];
  const [first] = await claims.claim('one', limit);
  claims.leave('one', [first!]);
  expect([claims.leaves('one'), claims.leaves('two')]).toEqual([true, false]);
  await claims.keep();
  expect(claims.leaves('one')).toBe(false);
  expect(await claims.claim('one', limit)).toEqual([first]);
  expect(asked[1]).toEqual(['release', { sink: 'one', numbers: [1] }]);
});

it('sets free what was claimed by a claim whose answer never came, and keeps what is held', async () => {
  answers = [[1, 2], new Error('connection terminated')];
  await claims.claim('one', limit);
  claims.noted([noted(2)]);
  await expect(claims.claim('one', limit)).rejects.toThrow('terminated');
  await claims.keep();
  await claims.keep();
  expect(asked.slice(2)).toEqual([['release', { sink: 'one', except: [1] }]]);
});

it('has nothing delivered twice that it is given twice, and sets it free once the first is noted', async () => {
  answers = [[1], [1, 2]];
  await claims.claim('one', limit);
  // It was settled and claimed again, and nobody told us of the first yet; or a clock jumped.
  expect(await claims.claim('one', limit)).toEqual([delivery(2)]);
  await claims.keep();
  expect(asked.filter(([what]: any) => what === 'release')).toEqual([]);
  claims.noted([noted(1)]);
  await claims.keep();
  expect(asked.at(-1)).toEqual(['release', { sink: 'one', except: [2] }]);
});
