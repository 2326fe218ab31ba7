import type { Books } from './books.ts';
import type { Caller } from './caller.ts';
import type { Answer, Question } from './questions.ts';
import type { Sky, Trouble } from './sky.ts';

type Outcome =
  | 'answered'
  | 'errored'
  | 'limited'
  | 'quota'
  | 'blocked'
  | 'unauthorized'
  | 'forbidden'
  | 'unmetered'
  | 'failed'
  | 'invalid'
  | 'foreign error'
  | 'mixed up';

interface Told {
  answer: Answer;
  key: string | undefined;
  sentMs: number;
  /** The answer has the call's id. */
  right: boolean;
  burst?: boolean;
}

/** What the calls of one caller came to. */
export interface CallerCount {
  passed: number;
  refused: number;
  /** The first refusal: when, and what it said. */
  refusal: string | undefined;
  /** When the first was sent, and the last answered: between them all were decided. */
  firstMs: number;
  lastMs: number;
}

/** Knows what each call should get, and what may excuse another outcome; keeps the books of what it got. */
export interface Judge {
  answer(caller: Caller, question: Question, told: Told): void;
  /** Of a body that is no call: this error, or the caller's own refusal. */
  refusal(
    caller: Caller,
    answer: Answer,
    told: { key: string | undefined; sentMs: number; code: number },
  ): void;
  lost(
    caller: Caller,
    calls: readonly Question[],
    told: { sentMs: number; key: string | undefined; problem: string },
  ): void;
  wrong(what: string): void;
  readonly counts: JudgeCounts;
  of(callerName: string): CallerCount;
}

export interface JudgeCounts {
  /** Calls that came to an end. */
  calls: number;
  byOutcome: Partial<Record<Outcome, number>>;
  /** Cut off by what befell a worker or a process. */
  lost: number;
  /** Under way over a socket whose key came to its end. */
  shut: number;
  /** Refused for want of a node though one was sound, and the like: errors of ours. */
  ours: number;
  oursText: string[];
  /** What may never be. */
  wrong: string[];
  slowestMs: number;
}

const TEXTS_MAX = 40;

const byCode: Record<number, Outcome> = {
  [402]: 'quota',
  [-32005]: 'limited',
  [-32004]: 'blocked',
  [-32001]: 'unauthorized',
  [-32011]: 'forbidden',
  [-32002]: 'failed',
  [-32603]: 'failed',
  [-32600]: 'invalid',
  [-32700]: 'invalid',
};

export function createJudge({ sky, books }: { sky: Sky; books: Books }): Judge {
  const counts: JudgeCounts = {
    ...{ calls: 0, byOutcome: {}, lost: 0, shut: 0, ours: 0, slowestMs: 0 },
    ...{ oursText: [], wrong: [] },
  };
  const callers = new Map<string, CallerCount>();
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

  function of(name: string): CallerCount {
    let found = callers.get(name);
    if (found === undefined)
      callers.set(
        name,
        (found = {
          ...{ passed: 0, refused: 0, refusal: undefined },
          ...{ firstMs: performance.now(), lastMs: 0 },
        }),
      );
    return found;
  }

  function wrong(what: string): void {
    if (counts.wrong.length < TEXTS_MAX) counts.wrong.push(`${seconds(performance.now())}: ${what}`);
  }

  /** What this call may come to. */
  function allowed(
    caller: Caller,
    question: Question,
    key: string | undefined,
    sentMs: number,
  ): Set<Outcome> {
    const nowMs = performance.now();
    const during = (trouble: Trouble): boolean => sky.during(trouble, sentMs, nowMs);
    const standing = caller.standing(key, sentMs, nowMs);
    const outcomes = new Set<Outcome>();
    if (standing !== 'known') outcomes.add('unauthorized');
    if (standing === 'unknown') return outcomes;
    outcomes.add(question.due);
    if (caller.bounded !== undefined && question.due !== 'blocked')
      outcomes.add(caller.bounded === 'limit' ? 'limited' : 'quota');
    if (during('disk')) outcomes.add('unmetered');
    if (question.due !== 'blocked' && (during('nodes') || (question.unsafe && during('node'))))
      outcomes.add('failed').add('foreign error');
    return outcomes;
  }

  return {
    counts,
    of,
    wrong,
    answer(caller, question, { answer, key, sentMs, right, burst = false }) {
      counts.calls += 1;
      counts.slowestMs = Math.max(counts.slowestMs, performance.now() - sentMs);
      const outcome = outcomeOf(question, answer);
      counts.byOutcome[outcome] = (counts.byOutcome[outcome] ?? 0) + 1;
      const ownRefusal = outcome === 'unauthorized' || outcome === 'forbidden';
      const may = allowed(caller, question, key, sentMs);
      if (may.has(question.due) && question.due !== 'blocked' && isTooLarge(answer))
        if (sky.during('oversized', sentMs, performance.now())) may.add(outcome);
      if (!may.has(outcome)) {
        const text = `${caller.name} ${question.method} ${question.params}: ${outcome}, ${JSON.stringify(answer)}`;
        if (outcome === 'failed' || outcome === 'unmetered') {
          counts.ours += 1;
          if (counts.oursText.length < TEXTS_MAX)
            counts.oursText.push(`${seconds(performance.now())}: ${text}`);
        } else wrong(text);
      } else if (!right && !ownRefusal) wrong(`${caller.name}: another id: ${JSON.stringify(answer)}`);
      const count = of(caller.name);
      count.firstMs = Math.min(count.firstMs, sentMs);
      count.lastMs = performance.now();
      const keyId = caller.keyId(key);
      if (
        outcome === 'answered' ||
        outcome === 'errored' ||
        outcome === 'foreign error' ||
        outcome === 'mixed up'
      ) {
        count.passed += 1;
        const error = outcome === 'errored' || outcome === 'foreign error';
        if (keyId !== undefined)
          books.answered(keyId, question.method, { cost: question.cost, error, burst });
      } else if (outcome === 'limited' || outcome === 'quota') {
        count.refused += 1;
        count.refusal ??= `${seconds(performance.now())}, after ${count.passed}: ${JSON.stringify(answer.error)}`;
        if (keyId !== undefined) books.refused(keyId, question.method);
      }
    },
    refusal(caller, answer, { key, sentMs, code }) {
      counts.calls += 1;
      counts.byOutcome.invalid = (counts.byOutcome.invalid ?? 0) + 1;
      const told = answer.error?.code;
      if (told === code) return;
      if (told === -32001 && caller.standing(key, sentMs, performance.now()) !== 'known') return;
      wrong(`${caller.name}: ${code} was due, and was answered ${JSON.stringify(answer)}`);
    },
    lost(caller, calls, { sentMs, key, problem }) {
      const nowMs = performance.now();
      counts.calls += calls.length;
      const keyId = caller.keyId(key);
      if (keyId !== undefined)
        for (const { method, cost, due } of calls) if (due !== 'blocked') books.lost(keyId, method, cost);
      const cutOff = sky.during('worker', sentMs, nowMs) || sky.during('process', sentMs, nowMs);
      // Its key's end is its end.
      const shut = caller.standing(key, sentMs, nowMs) !== 'known';
      // No event leaves that is not counted.
      const full = sky.during('disk', sentMs, nowMs);
      counts[shut && !cutOff ? 'shut' : 'lost'] += calls.length;
      if (!(cutOff || shut || full) || problem.includes('hung:'))
        wrong(`${caller.name}: ${calls.length} calls lost: ${problem}`);
    },
  };
}

/** An answer of the gateway's that says that the node's was of no use. */
function isTooLarge({ error }: Answer): boolean {
  return (error?.data as { docs?: string } | undefined)?.docs?.endsWith('#upstream_invalid') === true;
}

function outcomeOf(question: Question, answer: Answer): Outcome {
  const { error } = answer;
  if (error === undefined)
    return question.isRight(answer) && question.due === 'answered' ? 'answered' : 'mixed up';
  const ours = (error.data as { requestId?: string } | undefined)?.requestId !== undefined;
  if (!ours) return question.due === 'errored' && question.isRight(answer) ? 'errored' : 'foreign error';
  if (error.message.startsWith('Usage cannot be recorded')) return 'unmetered';
  return byCode[error.code] ?? 'invalid';
}
