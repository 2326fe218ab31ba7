import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { send } from '../../src/gateway/testing/client.ts';
import { connectSocket, type TestSocket } from '../../src/gateway/testing/socket.ts';
import type { BlockChain } from '../../src/websocket/hub/testing/block-chain.ts';
import type { Books } from './books.ts';
import type { Caller } from './caller.ts';
import { converse, HUNG_MS, type Item, withinMs } from './conversation.ts';
import { createJudge, type Judge } from './judge.ts';
import { type Answer, nextQuestion } from './questions.ts';
import type { Sky } from './sky.ts';

export interface LoadOptions {
  sky: Sky;
  chain: BlockChain;
  books: Books;
  /** Where the next call goes: any of the instances. */
  port(): number;
}

/** Callers of one gateway, or of several that are one. */
export interface Load {
  readonly judge: Judge;
  /** One call after the other. */
  calls(caller: Caller, pauseMs: number, kind?: Parameters<typeof nextQuestion>[1]): void;
  /** Batches, some items of which are no calls, and some too long. */
  batches(caller: Caller, pauseMs: number): void;
  /** Bodies that are no JSON-RPC. */
  nonsense(caller: Caller, pauseMs: number): void;
  /** Sockets that call, and listen to heads. */
  socket(caller: Caller, pauseMs: number): void;
  /** Any work that goes on until the end, and may fail where the gateway does. */
  repeat(work: () => Promise<void>, pauseMs: number): void;
  /** Resolves once nothing is under way. */
  stop(): Promise<void>;
}

/** `server.max_batch_size` and `server.max_body_bytes` of the config. */
export const BATCH_MAX = 20;
export const BODY_MAX = 65_536;

/** Where a key may stand. */
const places = ['header', 'bearer', 'path', 'query'] as const;
const INVALID = ['{"jsonrpc":"2.0","id":"bad"}', '7', '{"jsonrpc":"2.0","method":"a","method":"b","id":1}'];
const NONSENSE: [body: string, code: number][] = [
  ['{"jsonrpc":"2.0","id":1,"method":', -32700],
  ['\u00ff\u00fe', -32700],
  ['[]', -32600],
  ['{"jsonrpc":"1.0","id":1,"method":"eth_call"}', -32600],
  [`{"jsonrpc":"2.0","id":1,"method":"a","params":["${'x'.repeat(BODY_MAX)}"]}`, -32600],
];

export function createLoad(options: LoadOptions): Load {
  const { sky, chain, books, port } = options;
  const judge = createJudge({ sky, books });
  const stopping = new AbortController();
  const loops: Promise<void>[] = [];
  const agent = new Agent({ keepAlive: true });
  let number = 0;

  const item = (kind?: Parameters<typeof nextQuestion>[1]): Item => {
    number += 1;
    const id = number % 3 === 0 ? `id-${number}` : number;
    const question = nextQuestion(chain, kind);
    const { method, params } = question;
    return {
      question,
      id,
      text: `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":"${method}","params":${params}}`,
    };
  };

  function repeat(work: () => Promise<void>, pauseMs: number): void {
    const loop = async (): Promise<void> => {
      while (!stopping.signal.aborted) {
        await work().catch((error: unknown) => judge.wrong(`the load itself failed: ${String(error)}`));
        // Never in step with each other.
        await delay(pauseMs * (0.5 + Math.random()));
      }
    };
    loops.push(loop());
  }

  function addressed(caller: Caller): {
    headers: Record<string, string>;
    path: string;
    key: string | undefined;
  } {
    const key = caller.key();
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (caller.address !== undefined) headers['x-forwarded-for'] = caller.address;
    let path = '/';
    const place = caller.place ?? places[number % places.length]!;
    if (key === undefined) return { headers, path, key };
    if (place === 'header') headers['x-api-key'] = key;
    else if (place === 'bearer') headers['authorization'] = `Bearer ${key}`;
    else path = place === 'path' ? `/${key}` : `/?api_key=${key}`;
    return { headers, path, key };
  }

  /** One body of calls, or of none; `check` is told of its answer. */
  async function post(
    caller: Caller,
    body: string,
    items: readonly Item[],
    check: (answer: Posted) => void,
  ): Promise<void> {
    const { headers, path, key } = addressed(caller);
    const sentMs = performance.now();
    const calls = items.map(({ question }) => question);
    try {
      const large = body.length > BODY_MAX;
      const sent = send(port(), { headers, path, body, ...(large ? {} : { agent }) });
      const answer = await withinMs(sent, HUNG_MS);
      if (answer.json === undefined) throw new Error(`no whole answer: ${answer.status}`);
      check({ ...answer, key, sentMs, json: answer.json });
    } catch (error) {
      judge.lost(caller, calls, {
        sentMs,
        key,
        problem: `${(error as NodeJS.ErrnoException).code ?? ''} ${String(error)}`,
      });
      // Where nobody listens there is no need to ask all the time.
      await delay(100);
    }
  }

  return {
    judge,
    repeat,
    calls: (caller, pauseMs, kind) =>
      repeat(async () => {
        const one = item(kind);
        await post(caller, one.text, [one], ({ json, headers, ...told }) => {
          const left = Number(/;r=(\d+)/.exec(String(headers['ratelimit']))?.[1]);
          const burst = caller.burst !== undefined && left < caller.burst;
          judge.answer(caller, one.question, {
            ...told,
            answer: json as Answer,
            right: sameId(json, one),
            burst,
          });
        });
      }, pauseMs),
    batches: (caller, pauseMs) =>
      repeat(async () => {
        const tooLong = number % 50 === 0;
        const items = Array.from({ length: tooLong ? BATCH_MAX + 1 : 3 + (number % 6) }, () => item());
        const texts = items.map(({ text }) => text);
        const bad = number % 4 === 0 && !tooLong ? INVALID[number % INVALID.length]! : undefined;
        if (bad !== undefined) texts.splice(1, 0, bad);
        await post(caller, `[${texts.join()}]`, tooLong ? [] : items, ({ json, ...told }) => {
          if (tooLong) return judge.refusal(caller, json as Answer, { ...told, code: -32600 });
          // One for all: an unknown key, or a caller without room.
          const answers = Array.isArray(json)
            ? (json as Answer[])
            : items.map(({ id }) => ({ ...(json as Answer), id }));
          const [invalid] = bad === undefined ? [] : answers.splice(1, Array.isArray(json) ? 1 : 0);
          if (invalid !== undefined && ![-32600, -32001].includes(invalid.error?.code ?? 0))
            judge.wrong(`${bad} in a batch was answered ${JSON.stringify(invalid)}`);
          if (answers.length !== items.length)
            judge.wrong(
              `${items.length} calls in a batch, ${answers.length} answers: ${JSON.stringify(json)}`,
            );
          items.forEach((one, at) => {
            const answer = answers[at] ?? {};
            judge.answer(caller, one.question, { ...told, answer, right: sameId(answer, one) });
          });
        });
      }, pauseMs),
    nonsense(caller, pauseMs) {
      let next = 0;
      repeat(async () => {
        const [body, code] = NONSENSE[(next += 1) % NONSENSE.length]!;
        await post(caller, body, [], ({ json, ...told }) =>
          judge.refusal(caller, json as Answer, { ...told, code }),
        );
      }, pauseMs);
    },
    socket: (caller, pauseMs) =>
      repeat(async () => {
        const { headers, path, key } = addressed(caller);
        const openingMs = performance.now();
        let socket: TestSocket;
        try {
          socket = await connectSocket(port(), { headers, path });
        } catch (error) {
          if (caller.standing(key, openingMs, performance.now()) === 'known')
            judge.lost(caller, [], { sentMs: openingMs, key, problem: `no socket: ${String(error)}` });
          return;
        }
        await converse({ caller, socket, key, pauseMs, judge, books, item, signal: stopping.signal });
      }, 50),
    async stop() {
      stopping.abort();
      await Promise.all(loops);
      agent.destroy();
    },
  };
}

interface Posted {
  json: unknown;
  status: number;
  headers: Record<string, unknown>;
  key: string | undefined;
  sentMs: number;
}

const sameId = (answer: unknown, { id }: Item): boolean => (answer as Answer).id === id;
