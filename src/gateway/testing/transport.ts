import { type RefusalCode, refusals } from '../../jsonrpc/index.ts';
import type { DecisionRecord } from '../decisions/decision.ts';
import type { LogLine } from '../messages.ts';
import type { TestAnswer, TestRequest } from './client.ts';
import type { TestHub } from './hub.ts';
import { connectSocket, type TestSocket, upgradeStatus } from './socket.ts';
import { until } from './until.ts';

/** What brings a test's calls. What is asserted of answers' JSON holds over both. */
export const transports = ['http', 'websocket'] as const;
export type Transport = (typeof transports)[number];

interface Held {
  socket: TestSocket;
  id: string;
}

interface Item {
  error?: { code: number; data?: { docs?: string; requestId?: string } };
}

/**
 * Sends a test's requests as messages of WebSockets. A socket is opened for each path and headers, and one more where
 * all are waiting for an answer; later requests find them open, as a client's would be. Of an answer, `status` is the
 * one that HTTP has for the same error, `x-request-id` what explain takes; there are no other headers.
 */
export function createSocketSender(options: {
  port: number;
  hub: TestHub;
  logLines: () => LogLine[];
  explain: (requestId: string) => DecisionRecord[];
}): (request: TestRequest) => Promise<TestAnswer> {
  const idle = new Map<string, Held[]>();
  let turn: Promise<unknown> = Promise.resolve();

  /** One after another: that is how a socket is told from others in what the worker said. */
  function connect(path: string, headers: Record<string, string>): Promise<Held> {
    const opening = turn.then(async () => {
      const socket = await connectSocket(options.port, { path, headers });
      const told = options.hub.heard.findLast((message) => message.type === 'socket-open');
      return { socket, id: told?.type === 'socket-open' ? told.about.id : '' };
    });
    turn = opening.catch(() => {});
    return opening;
  }

  /** A socket that is open, or what its upgrade was answered. */
  async function socketFor({ path = '/', headers = {} }: TestRequest): Promise<Held | TestAnswer> {
    const one = headers as Record<string, string>;
    const free = idle.get(JSON.stringify([path, one]))?.pop();
    if (free !== undefined && !free.socket.over) return free;
    try {
      return await connect(path, one);
    } catch {
      const { status, requestId, json } = await upgradeStatus(options.port, { path, headers: one });
      return { status, headers: { 'x-request-id': requestId }, body: JSON.stringify(json), json };
    }
  }

  const linesOf = (id: string): string[] =>
    options
      .logLines()
      .flatMap(({ fields }) => (fields['socket'] === id ? [String(fields['requestId'])] : []));

  /** Of a message to which no answer is due: what came of it is read from the decisions. */
  async function unanswered(id: string, before: number, calls: number): Promise<TestAnswer> {
    const found = (): DecisionRecord[] => {
      const [requestId] = linesOf(id).slice(before);
      return requestId === undefined ? [] : options.explain(requestId);
    };
    await until(() => found().reduce((sum, { alike }) => sum + 1 + alike, 0) >= calls);
    const [first] = found();
    const status = statusOf(found().map(({ refusal }) => (refusal === null ? 200 : refusals[refusal].http)));
    const headers = { 'x-request-id': first!.requestId };
    return { status: status === 200 ? 204 : status, headers, body: '', json: undefined };
  }

  return async (request) => {
    const { path = '/', headers = {}, body = '' } = request;
    const held = await socketFor(request);
    if ('status' in held) return held;
    const { socket, id } = held;
    const before = linesOf(id).length;
    socket.send(body);
    const silent = notifications(String(body));
    if (silent > 0) return unanswered(id, before, silent);
    const { text, json } = (await socket.take(1))[0]!;
    const items = (Array.isArray(json) ? json : [json]) as Item[];
    // Who has used up a quota is shown out.
    if (items.some(({ error }) => error?.code === 402)) await socket.closed;
    const place = JSON.stringify([path, headers]);
    idle.set(place, [...(idle.get(place) ?? []), held]);
    const requestId = items.find(({ error }) => error?.data?.requestId)?.error?.data?.requestId;
    return {
      status: statusOf(items.map(httpStatus)),
      headers: { 'x-request-id': requestId ?? linesOf(id).at(-1) },
      body: text,
      json,
    };
  };
}

/** The status of a batch is the one that all its items share. */
function statusOf(items: readonly number[]): number {
  return items.every((status) => status === items[0]) ? items[0]! : 200;
}

/** Of the page that an error of ours names; a node's own error names none. */
function httpStatus({ error }: Item): number {
  const code = /[#/]([a-z_0-9]+)$/.exec(error?.data?.docs ?? '')?.[1];
  return code === undefined ? 200 : refusals[code as RefusalCode].http;
}

/** How many calls a text has if none of them is to be answered, else 0. */
function notifications(text: string): number {
  try {
    const value = JSON.parse(text) as unknown;
    const items = (Array.isArray(value) ? value : [value]) as Record<string, unknown>[];
    return items.every((item) => typeof item['method'] === 'string' && !('id' in item)) ? items.length : 0;
  } catch {
    return 0;
  }
}
