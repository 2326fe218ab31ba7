import type { FakeUpstream } from '../fakes/upstream.ts';
import { readAnswers, show } from './answers.ts';
import { type HostileCase, marker } from './corpus.ts';

/** What is wrong with a connection's answers: each well-formed, one for each call that was to be served. */
export function judgeAnswers(each: HostileCase, text: string): string[] {
  const wrong: string[] = [];
  const answers = readAnswers(text, (place) => each.bodiless.includes(place));
  const results = new Set<string>();
  let refusals = 0;
  for (const [place, { status, headers, body }] of answers.entries()) {
    if (!headers.has('x-request-id')) wrong.push(`no X-Request-Id with ${status}`);
    if (status >= 400) refusals++;
    if (each.bodiless.includes(place) || status === 204) continue;
    const answer = JSON.parse(body) as {
      jsonrpc: string;
      id: unknown;
      result?: string;
      error?: { code: number };
    };
    if (answer.jsonrpc !== '2.0' || !('id' in answer)) wrong.push(`no JSON-RPC: ${show(body)}`);
    if (answer.result !== undefined) results.add(answer.result);
    else if (answer.error?.code === undefined) wrong.push(`neither result nor error: ${show(body)}`);
  }
  for (const param of each.must)
    if (!results.has(param)) wrong.push(`${param} has no answer in ${show(text)}`);
  for (const result of results) {
    if (!each.must.includes(result) && !each.may.includes(result)) wrong.push(`foreign answer ${result}`);
  }
  if (each.refused && refusals === 0 && text !== '') wrong.push(`no refusal in ${show(text)}`);
  if (each.refused && text === '') wrong.push('no answer at all');
  return wrong;
}

/** What is wrong with what the node was asked. */
export function judgeNode(corpus: HostileCase[], { bodies, heads }: FakeUpstream): string[] {
  const wrong: string[] = [];
  const asked = new Map<string, number>();
  for (const body of bodies) {
    const param = /"params":\["([^"]*)"\]/.exec(body)?.[1] ?? body;
    asked.set(param, (asked.get(param) ?? 0) + 1);
  }
  const allowed = new Set(corpus.flatMap(({ must, may }) => [...must, ...may]));
  for (const [param, times] of asked) {
    if (!allowed.has(param)) wrong.push(`the node was asked ${show(param)} of ${origin(corpus, param)}`);
    if (times > 1) wrong.push(`the node was asked ${param} ${times} times`);
  }
  for (const param of corpus.flatMap(({ must }) => must))
    if (!asked.has(param)) wrong.push(`${param} was not asked`);
  if (heads.join('').includes(marker) || bodies.join('').includes(marker))
    wrong.push('the node saw the marker');
  if (new Set(heads.map((head) => head.replace(/^content-length:.*$/im, ''))).size > 1) {
    wrong.push('a client had a word in the heads the node gets');
  }
  return wrong;
}

function origin(corpus: HostileCase[], param: string): string {
  const found = corpus.find(({ pieces }) => Buffer.concat(pieces).includes(`"${param}"`));
  return found ? found.name : 'no case';
}
