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
/** Somebody does, of the same sink. */
let isClaiming: boolean;
/** Of the next claims; an error: it rejects. */
let answers: (number[] | Error)[];
let claims: OwnClaims;

beforeEach(() => {
  [nowMs, asked, answers, isClaiming] = [0, [], [], false];
  const outbox: Pick<Outbox, 'claim' | 'renew' | 'release' | 'recover'> = {
    async claim({ sink, untilMs }) {
      asked.push(['claim', sink, untilMs]);
      const answer = answers.shift() ?? [];
      if (answer instanceof Error) throw answer;
      return answer.map(delivery);
    },
    async renew(_by, { numbers }, untilMs) {
      asked.push(['renew', numbers, untilMs]);
    },
    async release(_by, these) {
      asked.push(['release', these]);
    },
    async recover(_by, { known }) {
      asked.push(['recover', known]);
      return !isClaiming;
    },
  };
  claims = createOwnClaims({
    outbox,
    by: 'me',
    claimMs: CLAIM_MS,
    epochMs: () => nowMs,
    elapsedMs: () => nowMs,
  });
});

it('sets free what a process before this one claimed, before it claims itself', async () => {
  expect(claims.isReady('one')).toBe(false);
  isClaiming = true;
  await claims.keep(['one']);
  expect(claims.isReady('one')).toBe(false);
  isClaiming = false;
  await claims.keep(['one']);
  await claims.keep(['one']);
  expect(claims.isReady('one')).toBe(true);
  expect(asked).toEqual([
    ['recover', []],
    ['recover', []],
  ]);
});

it('keeps a claim for as long as something is held, and of that only', async () => {
  await claims.keep(['one']);
  nowMs = CLAIM_MS / 3;
  await claims.keep(['one']);
  answers = [[1, 2]];
  expect(await claims.claim('one', limit)).toEqual([delivery(1), delivery(2)]);
  claims.noted([noted(1)]);
  nowMs *= 2;
  await claims.keep(['one']);
  await claims.keep(['one']);
  claims.noted([noted(2)]);
  nowMs *= 2;
  await claims.keep(['one']);
  expect(asked.slice(1)).toEqual([
    ['claim', 'one', CLAIM_MS / 3 + CLAIM_MS],
    ['renew', [2], (2 * CLAIM_MS) / 3 + CLAIM_MS],
  ]);
});

it('lets go of what is left, and may have it again', async () => {
  await claims.keep(['one']);
  answers = [[1, 2], [1]];
  const [first] = await claims.claim('one', limit);
  claims.leave('one', [first!]);
  expect(claims.isReady('one')).toBe(false);
  await claims.keep([]);
  expect(claims.isReady('one')).toBe(true);
  expect(await claims.claim('one', limit)).toEqual([first]);
  expect(asked[2]).toEqual(['release', { sink: 'one', numbers: [1] }]);
});

it('sets free what was claimed by a claim whose answer never came, and keeps what is held', async () => {
  await claims.keep(['one']);
  answers = [[1, 2], new Error('connection terminated')];
  await claims.claim('one', limit);
  claims.noted([noted(2)]);
  await expect(claims.claim('one', limit)).rejects.toThrow('terminated');
  expect(claims.isReady('one')).toBe(false);
  await claims.keep(['one']);
  await claims.keep(['one']);
  expect(asked.slice(3)).toEqual([['recover', [1]]]);
});

it('has nothing delivered twice that it is given twice, and sets it free once the first is noted', async () => {
  await claims.keep(['one']);
  answers = [[1], [1, 2]];
  await claims.claim('one', limit);
  // It was settled and claimed again, and nobody told us of the first yet; or a clock jumped.
  expect(await claims.claim('one', limit)).toEqual([delivery(2)]);
  await claims.keep(['one']);
  expect(asked.at(-1)).toEqual(['claim', 'one', CLAIM_MS]);
  claims.noted([noted(1)]);
  await claims.keep(['one']);
  expect(asked.at(-1)).toEqual(['recover', [2]]);
});
