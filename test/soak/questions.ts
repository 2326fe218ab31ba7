import { keccak256 } from 'viem';
import type { BlockChain } from '../../src/websocket/hub/testing/block-chain.ts';

/** A call, and what the node's answer to it is. */
export interface Question {
  method: string;
  /** JSON text. */
  params: string;
  /** Cost units, as {@link costs} says. */
  cost: number;
  /** What becomes of it where nothing is amiss. */
  due: 'answered' | 'errored' | 'blocked';
  /** It may run only once: it has no second node. */
  unsafe: boolean;
  /** Whether this is the right result, or error of the node's. */
  isRight(answer: Answer): boolean;
}

export interface Answer {
  id?: unknown;
  result?: unknown;
  error?: { code: number; message: string; data?: unknown };
}

/** `methods.costs` of the config. */
export const costs = { eth_getLogs: 5, eth_estimateGas: 3 } as const;
/** `methods.blocked` of the config. */
export const blocked = ['admin_*'];

type Kind = (nonce: string, chain: BlockChain) => Question;

const echo =
  (method: string, param: (nonce: string) => unknown, rest: readonly unknown[] = []): Kind =>
  (nonce) => {
    const asked = param(nonce);
    return question(method, [asked, ...rest], (result) => JSON.stringify(result) === JSON.stringify(asked));
  };

/** Of every kind that a gateway treats in its own way. */
const kinds = {
  read: echo('eth_call', (nonce) => ({ data: nonce }), ['latest']),
  cheap: echo('eth_getBalance', (nonce) => nonce, ['latest']),
  dear: echo('eth_getLogs', (nonce) => ({ nonce })),
  // The same for all who call in the same tenth of a second: joined and kept.
  shared: (_nonce, chain) =>
    echo('eth_call', () => ({ data: `shared ${Math.floor(performance.now() / 100)}` }), ['latest'])(
      '',
      chain,
    ),
  kept: (nonce, chain) => {
    const number = nonce.length % 8;
    return question(
      'eth_getBlockByNumber',
      [`0x${number.toString(16)}`, false],
      (result) => JSON.stringify(result) === JSON.stringify(chain.blocks[number]!.block),
    );
  },
  transaction: (nonce) => {
    const raw = `0x02${Buffer.from(nonce).toString('hex')}` as const;
    return question('eth_sendRawTransaction', [raw], (result) => result === keccak256(raw));
  },
  once: (nonce, chain) => ({
    ...echo('eth_sendTransaction', (data) => ({ data }))(nonce, chain),
    unsafe: true,
  }),
  reverts: (nonce) => ({
    ...question('eth_estimateGas', [nonce], () => false),
    due: 'errored',
    isRight: ({ error }) => error?.code === 3 && error.data === nonce,
  }),
  blocked: (nonce) => ({ ...question('admin_peers', [nonce], () => false), due: 'blocked' }),
} satisfies Record<string, Kind>;

/** How often each kind comes. */
const mix: (keyof typeof kinds)[] = [
  ...['read', 'read', 'read', 'read', 'read', 'read', 'read', 'read', 'cheap', 'cheap', 'cheap', 'cheap'],
  ...[
    'dear',
    'dear',
    'shared',
    'shared',
    'shared',
    'kept',
    'kept',
    'transaction',
    'once',
    'reverts',
    'blocked',
  ],
] as (keyof typeof kinds)[];

let asked = 0;

/** The next one, of any kind or of this; no two have the same nonce. */
export function nextQuestion(chain: BlockChain, kind?: keyof typeof kinds): Question {
  asked += 1;
  // Coprime steps, so that callers who take turns do not each get a kind of their own.
  return kinds[kind ?? mix[(asked * 7) % mix.length]!](`nonce-${asked}`, chain);
}

function question(
  method: string,
  params: readonly unknown[],
  isRight: (result: unknown) => boolean,
): Question {
  return {
    ...{ method, params: JSON.stringify(params), cost: costs[method as keyof typeof costs] ?? 1 },
    ...{ due: 'answered', unsafe: false },
    isRight: ({ result }) => isRight(result),
  };
}
