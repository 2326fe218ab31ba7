import { setTimeout as sleep } from 'node:timers/promises';
import type { HubBounds } from '../bounds.ts';
import { type BlockChain, HeadListener } from './block-chain.ts';
import { type ChainNode, startChainNode } from './chain-node.ts';
import { startTestHub, type TestHub } from './test-hub.ts';

const ended: (() => Promise<unknown>)[] = [];

/** For `afterEach`. */
export async function closeHubs(): Promise<void> {
  for (const end of ended.splice(0).toReversed()) await end();
}

export async function until(what: () => boolean, withinMs = 10_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!what()) {
    if (performance.now() > end) throw new Error(`did not happen within ${withinMs} ms: ${what}`);
    await sleep(3);
  }
}

export async function nodeOf(chain: BlockChain): Promise<ChainNode> {
  const node = await startChainNode(chain);
  ended.push(() => node.kill());
  return node;
}

/** Checks of health are left out: nothing but the hub asks. */
export const quiet = { health: { interval: 0 }, subscriptions: { poll_interval: '100ms' } };

export function hubOf(upstreams: object[], over: object = {}, bounds: Partial<HubBounds> = {}): TestHub {
  const test = startTestHub({ ...quiet, ...over, upstreams }, bounds);
  ended.push(() => test.hub.close());
  return test;
}

export const both = (node: ChainNode, name: string) => ({ name, url: node.url, ws_url: node.wsUrl });

/** Subscribes, and gives what it heard so far of the chain. */
export async function listen(test: TestHub, kind: string, params = '') {
  const answer = await test.subscribe(0, 1, kind, params);
  if (answer.type !== 'subscribed') throw new Error(JSON.stringify(answer.fault));
  return { ...answer, results: () => test.results(0, answer.feed) };
}

export function hashesOf(results: string[]): string[] {
  const listener = new HeadListener();
  for (const text of results) listener.hear(text);
  return listener.chain.map(({ hash }) => hash);
}
