import { setTimeout as delay } from 'node:timers/promises';
import type { TestMessage, TestSocket } from '../../src/gateway/testing/socket.ts';
import { HeadListener } from '../../src/websocket/hub/testing/block-chain.ts';
import type { Books } from './books.ts';
import type { Caller } from './caller.ts';
import type { Judge } from './judge.ts';
import type { Answer, Question } from './questions.ts';

/** A call, ready to be sent. */
export interface Item {
  question: Question;
  id: number | string;
  text: string;
}

/** A socket is closed and another opened. */
const SOCKET_MS = 8000;
/** Later than any deadline of the gateway's. */
export const HUNG_MS = 40_000;
/** Events that may be on their way to a socket as it breaks: of two seconds. */
const EVENTS_UNDER_WAY = 5;

type Message = Answer & { params?: { subscription: string; result: unknown } };

/** Four calls at a time over one socket, two of them in a batch, and heads in between, of which none may be missing. */
export async function converse(options: {
  caller: Caller;
  socket: TestSocket;
  key: string | undefined;
  pauseMs: number;
  judge: Judge;
  books: Books;
  item(): Item;
  signal: AbortSignal;
}): Promise<void> {
  const { caller, socket, key, pauseMs, judge, books, item, signal } = options;
  const endMs = performance.now() + SOCKET_MS;
  const waiting = new Map<unknown, { question: Question; sentMs: number }>();
  const heads = new HeadListener();
  const keyId = caller.keyId(key);
  let subscription: string | undefined;

  function take(message: Message): void {
    if (message.params !== undefined) {
      if (keyId !== undefined) books.event(keyId);
      if (message.params.subscription !== subscription)
        judge.wrong('an event of no subscription of this socket');
      try {
        heads.hear(JSON.stringify(message.params.result));
      } catch (error) {
        judge.wrong(`${caller.name}, heads: ${String(error)}`);
      }
      return;
    }
    const asked = waiting.get(message.id);
    if (asked === undefined) return judge.wrong(`an answer to nothing: ${JSON.stringify(message)}`);
    waiting.delete(message.id);
    // The first event may be right behind it; of one that was refused there is none, and nothing to end.
    if (asked.question.method === 'eth_subscribe' && message.error === undefined)
      subscription = String(message.result);
    judge.answer(caller, asked.question, { answer: message, key, sentMs: asked.sentMs, right: true });
  }

  const takeAll = ({ json }: TestMessage): void => {
    for (const one of Array.isArray(json) ? (json as Message[]) : [json as Message]) take(one);
  };

  /** Sends, and waits until all is answered. */
  async function ask(items: readonly Item[], messages: readonly string[]): Promise<void> {
    const sentMs = performance.now();
    for (const { id, question } of items) waiting.set(id, { question, sentMs });
    for (const text of messages) socket.send(text);
    while (waiting.size > 0) takeAll((await withinMs(socket.take(1), HUNG_MS))[0]!);
  }

  /** A call of the socket's own affairs. */
  function own(method: 'eth_subscribe' | 'eth_unsubscribe', param: string): Promise<void> {
    const question: Question = {
      ...{ method, params: '', cost: 1, due: 'answered', unsafe: false },
      isRight: ({ result }) =>
        method === 'eth_subscribe' ? String(result).startsWith('0x') : result === true,
    };
    const text = `{"jsonrpc":"2.0","id":"${method}","method":"${method}","params":["${param}"]}`;
    return ask([{ question, id: method, text }], [text]);
  }

  try {
    await own('eth_subscribe', 'newHeads');
    while (!signal.aborted && performance.now() < endMs) {
      const items = [item(), item(), item(), item()];
      const [first, second, ...both] = items.map(({ text }) => text);
      await ask(items, [first!, second!, `[${both.join()}]`]);
      await delay(pauseMs * (0.5 + Math.random()));
    }
    if (subscription !== undefined) await own('eth_unsubscribe', subscription);
    socket.close();
    await socket.closed;
  } catch (error) {
    socket.close();
    const { code, reason } = await socket.closed;
    // What came in the same moment is still to be counted.
    while (socket.waiting() > 0) takeAll((await socket.take(1))[0]!);
    const calls = [...waiting.values()];
    if (keyId !== undefined) books.eventsLost(keyId, EVENTS_UNDER_WAY);
    judge.lost(
      caller,
      calls.map(({ question }) => question),
      {
        sentMs: Math.min(performance.now(), ...calls.map(({ sentMs }) => sentMs)),
        ...{ key, problem: `socket closed: ${code} ${reason}, ${String(error)}` },
      },
    );
  }
}

export async function withinMs<T>(promise: Promise<T>, ms: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`hung: nothing in ${ms} ms`)), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
