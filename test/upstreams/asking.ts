import { Agent } from 'node:http';
import { keccak256 } from 'viem';
import { send } from '../../src/gateway/testing/client.ts';

/** A call whose right answer is known, and is no other call's. */
export interface Question {
  /** As written. */
  id: string;
  method: string;
  params: string;
  /** JSON text of the only right result. */
  result: string;
  /** `safe`: may be run again; `transaction`: by another node; `once`: never. */
  repeats: 'safe' | 'transaction' | 'once';
}

/** What came back. */
export interface Told {
  question: Question;
  /** HTTP's; that of the whole batch for its items. */
  status: number;
  /** JSON text of the answer, latin1; '' where the connection broke. */
  text: string;
  ms: number;
}

/** Of every ten one that must not be run twice and one that another node may run; `wave` sets them apart from other calls. */
export function questions(wave: string, count: number): Question[] {
  return Array.from({ length: count }, (_, k) => {
    const nonce = `${wave}-${k}`;
    const id = k % 3 === 0 ? `"${nonce}"` : String(k);
    if (k % 10 === 3) {
      return {
        id,
        method: 'eth_sendTransaction',
        params: `["${nonce}"]`,
        result: `"${nonce}"`,
        repeats: 'once',
      };
    }
    const data = `0x02${Buffer.from(nonce).toString('hex')}` as const;
    if (k % 10 === 7) {
      const result = `"${keccak256(data)}"`;
      return { id, method: 'eth_sendRawTransaction', params: `["${data}"]`, result, repeats: 'transaction' };
    }
    const params = `[{"to":"0x${'1'.repeat(40)}","data":"${data}"},"latest"]`;
    return { id, method: 'eth_call', params, result: `"${data}"`, repeats: 'safe' };
  });
}

/** Asks all at once, singly or in batches of so many, over kept-alive connections, and resolves when all is told. */
export async function ask(
  port: number,
  path: string,
  asked: readonly Question[],
  { batch = 0, connections = 50, patienceMs = 15_000 } = {},
): Promise<Told[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const size = Math.max(batch, 1);
  const groups = Array.from({ length: Math.ceil(asked.length / size) }, (_, k) =>
    asked.slice(k * size, (k + 1) * size),
  );
  const told = await Promise.all(
    groups.map(async (group) => {
      const began = performance.now();
      const texts = group.map(textOf);
      const body = batch === 0 ? texts[0]! : `[${texts.join(',')}]`;
      const late = Promise.withResolvers<{ status: number; body: string }>();
      const timer = setTimeout(() => late.resolve({ status: 0, body: '' }), patienceMs);
      const answer = await Promise.race([
        send(port, { agent, path, body }).catch(() => ({ status: 0, body: '' })),
        late.promise,
      ]);
      clearTimeout(timer);
      const ms = performance.now() - began;
      const items = batch === 0 || answer.status === 0 ? undefined : itemsIn(answer.body);
      return group.map((question, place) => ({
        question,
        status: answer.status,
        text: batch === 0 ? answer.body : (items?.[place] ?? ''),
        ms,
      }));
    }),
  );
  agent.destroy();
  return told.flat();
}

/** What was told: the right answer, a refusal of the gateway's table, an error of the node's, or something wrong. */
export type Outcome = 'answer' | 'refusal' | 'error' | 'wrong';

/** The table of what becomes of a call that no node answers: HTTP status by JSON-RPC code. */
const refusals: Record<number, readonly number[]> = { [-32603]: [502, 503], [-32002]: [504] };

export function outcomeOf({ question, status, text }: Told): Outcome {
  const head = `{"jsonrpc":"2.0","id":${question.id},`;
  if (text === `${head}"result":${question.result}}`) return status === 200 ? 'answer' : 'wrong';
  if (!text.startsWith(`${head}"error":{`)) return 'wrong';
  let error: { code?: unknown; message?: unknown; data?: { requestId?: unknown } };
  try {
    error = (JSON.parse(text) as { error: typeof error }).error;
  } catch {
    return 'wrong';
  }
  if (typeof error.code !== 'number' || typeof error.message !== 'string') return 'wrong';
  if (typeof error.data?.requestId !== 'string') return status === 200 ? 'error' : 'wrong';
  const statuses = refusals[error.code];
  if (statuses === undefined) return 'wrong';
  // The item of a batch has the batch's status.
  return status === 200 || statuses.includes(status) ? 'refusal' : 'wrong';
}

/** In words, for a failed test. */
export function describeTold({ question, status, text, ms }: Told): string {
  return `${question.method} ${question.id}: ${status} ${text.slice(0, 300)} after ${Math.round(ms)} ms`;
}

function textOf({ id, method, params }: Question): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`;
}

/** Of an array of answers, each as JSON text. The texts here are what `JSON.stringify` writes, so that nothing is lost. */
function itemsIn(body: string): string[] | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return Array.isArray(parsed) ? parsed.map((item) => JSON.stringify(item)) : undefined;
  } catch {
    return undefined;
  }
}
