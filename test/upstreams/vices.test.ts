import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NodeVice, nodeVices } from '../fakes/node-vices.ts';
import { type FakeNode, startFakeNode } from '../fakes/ethereum-node.ts';
import type { ReceivedCall } from '../fakes/upstream.ts';
import { type Program, startProgram } from '../program.ts';
import { ask, describeTold, outcomeOf, type Question, questions, type Told } from './asking.ts';
import { undaunted } from './undaunted.ts';

/** Every vice, in front of callers, through the real program: one node that has it, alone and beside a sound one. */

const modes = ['single', 'pipelined', 'batched'] as const;
type Company = 'alone' | 'beside';
const companies: readonly Company[] = ['alone', 'beside'];
const rounds = process.env['POLYMORPH_TEST_LONG'] === '1' ? 10 : 1;
/** Of one attempt, and of a call with all of them. Beside a sound node no attempt there may fail for a busy machine. */
const timeouts = {
  alone: { attemptMs: 500, callMs: 1_500 },
  beside: { attemptMs: 1_000, callMs: 6_000 },
} as const;
/** What a busy machine may add. */
const marginMs = 1_500;

interface Place {
  name: string;
  mode: (typeof modes)[number];
  company: Company;
  vice: NodeVice;
  bad: FakeNode;
  good: FakeNode | undefined;
}

const places: Place[] = [];
/** One for each mode: a program has room for 256 networks. */
const programs = new Map<Place['mode'], Program>();

beforeAll(async () => {
  for (const [name, vice] of Object.entries(nodeVices)) {
    for (const mode of name.startsWith('batches: ') ? (['batched'] as const) : modes) {
      for (const company of companies) {
        const good = company === 'beside' ? await startFakeNode() : undefined;
        places.push({ name, mode, company, vice, bad: await startFakeNode(), good });
      }
    }
  }
  await Promise.all(
    modes.map(async (mode) => {
      const mine = places.filter((place) => place.mode === mode);
      programs.set(mode, await startProgram({ config: configOf(mine) }));
    }),
  );
});
afterAll(async () => {
  await Promise.all([...programs.values()].map((program) => program.stop()));
  await Promise.all(places.flatMap(({ bad, good }) => [bad, good ?? []].flat().map((node) => node.close())));
});

describe.concurrent('a node that', () => {
  for (const name of Object.keys(nodeVices)) {
    it(name, async () => {
      const mine = places.filter((place) => place.name === name);
      const found = (await Promise.all(mine.filter(({ good }) => !good).map(suffer))).flat();
      // One after the other, so that a sound node's answers are not late.
      for (const place of mine.filter(({ good }) => good)) found.push(...(await suffer(place)));
      expect(found).toEqual([]);
    });
  }
});

function configOf(mine: Place[]): object {
  const networks = mine.map((place) => [
    pathOf(place).slice(1),
    {
      ...undaunted,
      timeout: `${timeouts[place.company].callMs}ms`,
      upstreams: [place.bad, place.good ?? []].flat().map(({ url }, index) => ({
        url,
        mode: place.mode,
        name: `node-${index}`,
        timeout: `${timeouts[place.company].attemptMs}ms`,
        first_byte_timeout: `${timeouts[place.company].attemptMs}ms`,
        max_response_bytes: '256KiB',
      })),
    },
  ]);
  return {
    server: { workers: 1, state_dir: 'none', max_connections_per_address: 5_000 },
    networks: Object.fromEntries(networks) as object,
    methods: { cheap: ['*'] },
    limits: { default: 'none' },
  };
}

function pathOf(place: Place): string {
  return `/n${places.indexOf(place)}`;
}

/** A hundred calls, half of them singly and then half in batches; what went wrong, in words. */
async function suffer(place: Place): Promise<string[]> {
  const { bad, good, vice } = place;
  const path = pathOf(place);
  const { port } = programs.get(place.mode)!;
  const wrong: string[] = [];
  bad.forget();
  bad.behave(vice.vice);
  for (let round = 0; round < rounds; round++) {
    const accepted = bad.accepted;
    const singles = await ask(port, path, questions(`${round}s`, 50));
    // What is still on its way from the node is to arrive.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = new Set(bad.calls.map(({ connection }) => connection));
    const from = bad.calls.length;
    const batches = await ask(port, path, questions(`${round}b`, 50), { batch: 10 });
    const told = [...singles, ...batches];
    if (bad.accepted === accepted && round === 0) wrong.push('the node was never asked');
    wrong.push(...told.flatMap((one) => unlike(place, one)));
    if (vice.spoils) {
      const reused = bad.calls.slice(from).filter(({ connection }) => before.has(connection));
      wrong.push(...reused.map(({ connection }) => `connection ${connection} was used again`));
    }
    for (const { question } of told) wrong.push(...copies(question, bad.calls, good?.calls ?? []));
  }
  return wrong.slice(0, 5).map((text) => `${place.mode}, ${place.company}: ${text}`);
}

/** What was told is one of the things that may be told. */
function unlike({ name, company, vice }: Place, told: Told): string[] {
  const outcome = outcomeOf(told);
  const { repeats } = told.question;
  const allowed = (() => {
    // What is too large for its caller would be so from another node, too.
    if (company === 'beside' && repeats === 'safe')
      return name.endsWith('too large an answer') ? ['answer', 'refusal'] : ['answer'];
    if (company === 'beside') return ['answer', 'refusal', ...(vice.alone === 'error' ? ['error'] : [])];
    if (vice.alone === 'always') return repeats === 'safe' ? ['answer'] : ['answer', 'refusal'];
    if (vice.alone === 'sometimes') return ['answer', 'refusal', 'error'];
    return vice.alone === 'error' ? ['error', 'refusal'] : ['refusal'];
  })();
  const late = told.ms > timeouts[company].callMs + marginMs;
  return allowed.includes(outcome) && !late ? [] : [`${outcome}: ${describeTold(told)}`];
}

/** Nothing that must not run twice was sent twice. */
function copies({ repeats, params }: Question, bad: ReceivedCall[], good: ReceivedCall[]): string[] {
  if (repeats === 'safe') return [];
  const [onBad, onGood] = [bad, good].map(
    (calls) => calls.filter((call) => JSON.stringify(call.params) === params).length,
  ) as [number, number];
  const tooMany = repeats === 'once' ? onBad + onGood > 1 : onBad > 1 || onGood > 1;
  return tooMany ? [`${repeats}: ${params} was sent ${onBad} times here and ${onGood} times there`] : [];
}
