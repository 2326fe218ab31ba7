import { expect, it } from 'vitest';
import { HttpProblem } from './http-problem.ts';
import { httpResult, retryAfterMs } from './http-result.ts';

const now = Date.UTC(2026, 10, 28, 12);
const answer = (status: number, headers: Record<string, string> = {}) =>
  httpResult(async () => ({ status, headers, body: '' }), now);

it.each([200, 201, 204, 299])('%d is delivered', async (status) => {
  expect(await answer(status)).toEqual({ kind: 'delivered' });
});

it.each([301, 307, 400, 401, 404, 429, 500, 503])('%d is tried again', async (status) => {
  const problem = `answered ${status}`;
  expect(await answer(status)).toEqual({ kind: 'retry', problem, retryAfterMs: null });
  expect(await answer(status, { 'retry-after': '7' })).toMatchObject({ retryAfterMs: 7000 });
});

it('410 turns it off', async () => {
  expect(await answer(410)).toEqual({ kind: 'gone', problem: 'answered 410' });
});

it('no answer is tried again, a fault of ours is told', async () => {
  const failing = (problem: Error) =>
    httpResult(async () => {
      throw problem;
    }, now);
  expect(await failing(new HttpProblem('timeout', 'too late'))).toMatchObject({
    kind: 'retry',
    problem: 'too late',
  });
  await expect(failing(new TypeError('a fault'))).rejects.toThrow('a fault');
});

it('reads Retry-After as seconds or a date', () => {
  expect(retryAfterMs('120', now)).toBe(120_000);
  expect(retryAfterMs('Sat, 28 Nov 2026 12:01:00 GMT', now)).toBe(60_000);
  expect(retryAfterMs('Sat, 28 Nov 2026 11:00:00 GMT', now)).toBe(0);
  for (const bad of [undefined, '', 'soon', '-1', '1.5', '2026-11-28', '99999999999'])
    expect(retryAfterMs(bad, now)).toBeNull();
});
