import { callBody, callerKeys, refusedKey } from './calls.ts';
import { type Answer, createClient } from './client.ts';
import type { Server } from './servers/server.ts';
import { callsSoFar } from './servers/upstream.ts';

const sampleCount = 256;
const connections = 32;
/** Answers may be kept for less time than two calls take on a busy machine. */
const keepingAttempts = 5;

/** Ids that a gateway which reads and writes numbers would change. */
const oddIds = ['1.0', '1e400', '9007199254740993', '-0', '"\\u0000é"', '""', 'null', '0.10'];

const oddCalls = oddIds.map((id, n) => `{"id":${id},"jsonrpc":"2.0","method":"eth_call","params":[${n}]}`);

/**
 * Sends real calls at once and compares each answer byte for byte with the node's own. The node's result depends on
 * the params, so an answer to another caller's call is seen. Returns what was wrong.
 */
export async function verifyAnswers(server: Server, node: Server): Promise<string[]> {
  const bodies = [...Array.from({ length: sampleCount }, (_, n) => callBody(n)), ...oddCalls];
  bodies.push(`[${bodies.slice(0, 20).join(',')}]`);
  const expected = await callAll(node, bodies);
  const found = await callAll(server, bodies);
  const wrong = bodies.filter((_, n) => found[n]?.status !== 200 || found[n].body !== expected[n]?.body);
  const faults = wrong.map((body) => {
    const { status, body: text } = found[bodies.indexOf(body)]!;
    return `${server.name} answered ${status} ${text.slice(0, 200)} to ${body.slice(0, 200)}`;
  });
  return faults.length > 3 ? [...faults.slice(0, 3), `… and ${faults.length - 3} more`] : faults;
}

/** The headers that every admitted answer of ours must have. */
export async function verifyHeaders(server: Server): Promise<string[]> {
  const [answer] = await callAll(server, [callBody(0)]);
  const names = ['ratelimit', 'ratelimit-policy', 'x-request-id'];
  return names
    .filter((name) => answer?.headers[name] === undefined)
    .map((name) => `${server.name}: no ${name} header`);
}

/** A call over the limit: 429, JSON-RPC -32005 with the caller's id, Retry-After. */
export async function verifyRefusal(server: Server): Promise<string[]> {
  const client = createClient(server.port, 1);
  try {
    await client.call(callBody(0), refusedKey);
    const answer = await client.call(callBody(1), refusedKey);
    const { id, error } = JSON.parse(answer.body) as { id: number; error?: { code: number } };
    const right = answer.status === 429 && error?.code === -32005 && id === 1_000_001;
    if (right && answer.headers['retry-after'] !== undefined) return [];
    return [`${server.name} refused with ${answer.status} ${answer.body.slice(0, 300)}`];
  } finally {
    client.close();
  }
}

/**
 * A cache that is on: a call that comes three times in no time does not reach the node three times. It may be kept the second
 * time only, where the cache is full.
 */
export async function verifyKeeping(server: Server, node: Server): Promise<string[]> {
  for (let attempt = 0; attempt < keepingAttempts; attempt++) {
    const body = callBody(sampleCount + attempt);
    const before = await callsSoFar(node);
    await callInTurn(server, [body, body, body]);
    if ((await callsSoFar(node)) - before < 3) return [];
  }
  return [`${server.name} keeps no answers`];
}

/** One after the other on one connection: the next comes within a millisecond, or little more. */
async function callInTurn(server: Server, bodies: string[]): Promise<void> {
  const client = createClient(server.port, 1);
  try {
    for (const body of bodies) await client.call(body, callerKeys[0]);
  } finally {
    client.close();
  }
}

async function callAll(server: Server, bodies: string[]): Promise<Answer[]> {
  const client = createClient(server.port, connections);
  try {
    return await Promise.all(bodies.map((body, n) => client.call(body, callerKeys[n % callerKeys.length])));
  } finally {
    client.close();
  }
}
