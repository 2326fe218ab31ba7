import { type RawData, WebSocket } from 'ws';
import type { UpstreamPolicy } from '../../config/index.ts';
import type { HubClock } from './clock.ts';
import { rawMember } from './raw-member.ts';

/** What a node answered over its WebSocket; `error` is the JSON text of its error. */
export type NodeAnswer =
  | { kind: 'result'; value: unknown }
  | { kind: 'error'; error: string }
  | { kind: 'failed'; reason: string };

/** An event of a subscription: the text of its result as the node wrote it. */
export type OnEvent = (result: string) => void;

export type SubscribeAnswer = { kind: 'subscribed'; id: string } | Exclude<NodeAnswer, { kind: 'result' }>;

/** One WebSocket to one node, for all of a network's subscriptions there. */
export interface NodeSocket {
  readonly closed: boolean;
  /** `params` is JSON text. Never rejects. */
  ask(method: string, params: string): Promise<NodeAnswer>;
  /** No event is missed between the answer and the promise. @param params the whole array as JSON text */
  subscribe(params: string, onEvent: OnEvent): Promise<SubscribeAnswer>;
  unsubscribe(id: string): void;
  /** Called once, with why, when it is gone; at once if it is. The function returned calls it off. */
  onceClosed(run: (reason: string) => void): () => void;
  close(): void;
}

const PING_EVERY_MS = 10_000;
const PONG_WITHIN_MS = 5_000;
/** One message of a node: a block's logs at most. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;
/** What a node has not read yet: beyond it, it is asked for no further subscription. Params are its caller's, and long. */
const UNREAD_BYTES_MAX = 1024 * 1024;
/** Ids a node gives are short; whatever is longer is none. */
const ID_LENGTH_MAX = 256;

/** Rejects with an Error that names no credential. */
export function openNodeSocket(
  policy: UpstreamPolicy,
  timeoutMs: number,
  clock: HubClock,
): Promise<NodeSocket> {
  const { ws, ca, headers } = policy;
  if (ws === null) return Promise.reject(new Error('no ws_url'));
  const authorization = ws.authorization === null ? {} : { Authorization: ws.authorization };
  return new Promise((resolve, reject) => {
    const client = new WebSocket(ws.url, {
      headers: { ...Object.fromEntries(headers), ...authorization },
      handshakeTimeout: timeoutMs,
      maxPayload: MESSAGE_BYTES_MAX,
      perMessageDeflate: false,
      followRedirects: false,
      ...(ca === null ? {} : { ca }),
    });
    client.once('open', () => resolve(createNodeSocket(client, timeoutMs, clock)));
    client.on('error', (error) => reject(new Error(reasonOf(error))));
  });
}

/** An error's own words may repeat the address, path and all: only its code, or the status it was refused with. */
function reasonOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  const status = /Unexpected server response: (\d{3})/.exec(error.message)?.[1];
  return status === undefined ? (code ?? 'handshake failed') : `HTTP ${status}`;
}

function createNodeSocket(client: WebSocket, timeoutMs: number, clock: HubClock): NodeSocket {
  const questions = new Map<number, (text: string | null, answer: Answer) => void>();
  const handlers = new Map<string, OnEvent>();
  const watchers = new Set<(reason: string) => void>();
  let last = 0;
  let closedBecause: string | null = null;

  function end(reason: string): void {
    if (closedBecause !== null) return;
    closedBecause = reason;
    callOffPing();
    client.terminate();
    for (const tell of questions.values()) tell(null, {});
    questions.clear();
    handlers.clear();
    for (const run of [...watchers]) run(reason);
    watchers.clear();
  }

  let callOffPing = (): void => {};
  function ping(): void {
    callOffPing = clock.after(PING_EVERY_MS, () => {
      callOffPing = clock.after(PONG_WITHIN_MS, () => end('no pong'));
      client.ping();
    });
  }
  ping();
  client.on('pong', () => {
    callOffPing();
    if (closedBecause === null) ping();
  });
  client.on('close', () => end('closed by the node'));
  client.on('error', (error) => end(reasonOf(error)));
  client.on('message', (data: RawData) => {
    const text = (data as Buffer).toString('utf8');
    let message: Answer;
    try {
      message = JSON.parse(text) as Answer;
    } catch {
      return end('sent what is no JSON');
    }
    if (typeof message !== 'object' || message === null) return end('sent what is no JSON-RPC');
    if (message.method !== undefined) return hear(text, message);
    const tell = questions.get(message.id as number);
    // Not asked by us, or too late: no word of it is used.
    questions.delete(message.id as number);
    tell?.(text, message);
  });

  function hear(text: string, { params }: Answer): void {
    const id = params?.subscription;
    const onEvent = typeof id === 'string' ? handlers.get(id) : undefined;
    const result = onEvent && rawMember(text, ['params', 'result']);
    if (result === undefined) return;
    try {
      onEvent!(result);
    } catch {
      // Whatever a node sends ends no more than its socket.
      end('sent what could not be used');
    }
  }

  function ask(
    method: string,
    params: string,
    { answered, late }: { answered?: (answer: Answer) => void; late?: (answer: Answer) => void } = {},
  ): Promise<NodeAnswer> {
    if (closedBecause !== null) return Promise.resolve({ kind: 'failed', reason: closedBecause });
    return new Promise((resolve) => {
      const id = ++last;
      const callOff = clock.after(timeoutMs, () => {
        if (late === undefined) questions.delete(id);
        else questions.set(id, (_text, answer) => late(answer));
        resolve({ kind: 'failed', reason: 'no answer in time' });
      });
      questions.set(id, (text, answer) => {
        callOff();
        answered?.(answer);
        resolve(answerOf(text, answer, closedBecause));
      });
      client.send(`{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${params}}`);
    });
  }

  const endUpstream = (id: string): void => void ask('eth_unsubscribe', JSON.stringify([id]));

  return {
    get closed() {
      return closedBecause !== null;
    },
    ask: (method, params) => ask(method, params),
    async subscribe(params, onEvent) {
      if (client.bufferedAmount > UNREAD_BYTES_MAX) return { kind: 'failed', reason: 'does not read' };
      // In the turn of the answer: events may stand right behind it.
      const answer = await ask('eth_subscribe', params, {
        answered: ({ result }) => void (isId(result) && handlers.set(result, onEvent)),
        // Nobody waits for it any more: it must not go on upstream.
        late: ({ result }) => void (isId(result) && endUpstream(result)),
      });
      if (answer.kind !== 'result') return answer;
      if (!isId(answer.value)) return { kind: 'failed', reason: 'gave no subscription id' };
      return { kind: 'subscribed', id: answer.value };
    },
    unsubscribe(id) {
      if (handlers.delete(id)) endUpstream(id);
    },
    onceClosed(run) {
      if (closedBecause !== null) {
        run(closedBecause);
        return () => {};
      }
      watchers.add(run);
      return () => void watchers.delete(run);
    },
    close: () => end('closed by us'),
  };
}

/** A message of a node, none of it trusted yet. */
interface Answer {
  id?: unknown;
  method?: unknown;
  params?: { subscription?: unknown };
  result?: unknown;
  error?: unknown;
}

function answerOf(text: string | null, { result, error }: Answer, closedBecause: string | null): NodeAnswer {
  if (text === null) return { kind: 'failed', reason: closedBecause ?? 'closed' };
  if (typeof error === 'object' && error !== null)
    return { kind: 'error', error: rawMember(text, ['error']) ?? JSON.stringify(error) };
  return { kind: 'result', value: result };
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= ID_LENGTH_MAX;
}
