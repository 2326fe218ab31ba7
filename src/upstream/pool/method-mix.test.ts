import { describe, expect, it } from 'vitest';
import { createBoardMemory } from '../board.ts';
import { failureOf } from '../failure.ts';
import { policyFor } from '../testing/caller.ts';
import { networkOf } from '../testing/network.ts';
import { Member } from './member.ts';
import { MethodMix } from './method-mix.ts';

const NOW = 1_000_000;
const WINDOW = 1000;

describe('failures', () => {
  it('speak against the node where two methods fail, or nothing else is called', () => {
    const mix = new MethodMix();
    expect(mix.failed('a', NOW, WINDOW)).toBe('alone');
    mix.called('b', NOW + 1);
    expect(mix.failed('a', NOW + 2, WINDOW)).toBe('method');
    expect(mix.failed('b', NOW + 3, WINDOW)).toBe('node');
    expect(mix.failed('a', NOW + 4, WINDOW)).toBe('node');
    // A window later b is forgotten.
    expect(mix.failed('a', NOW + 4 + WINDOW, WINDOW)).toBe('alone');
  });
});

describe('an upstream', () => {
  const timeout = failureOf('timeout', 'late', 'maybe');
  const open = (workers = 1): Member[] => {
    const board = createBoardMemory(workers);
    const network = networkOf([policyFor(1)]);
    return Array.from(
      { length: workers },
      (_, worker) => new Member(network.upstreams[0]!, network, { board, worker, random: Math.random }),
    );
  };

  it('stays open to other methods while one fails, however often', () => {
    const [node] = open() as [Member];
    node.flight.enterFreely();
    node.succeeded(null, 'eth_call', 1, NOW);
    for (let k = 0; k < 50; k++) {
      node.flight.enterFreely();
      node.failed(null, 'eth_getLogs', timeout, 9, NOW);
    }
    expect(node.breakerWaitMs('eth_getLogs', NOW)).toBeGreaterThan(0);
    expect(node.breakerWaitMs('eth_call', NOW)).toBe(0);
    node.flight.enterFreely();
    node.failed(null, 'eth_call', timeout, 9, NOW);
    expect(node.breakerWaitMs('eth_chainId', NOW)).toBeGreaterThan(0);
  });

  it('is not closed by a worker that knows of one method, while it serves other workers', () => {
    const [one, two] = open(2) as [Member, Member];
    const fails = (): void => {
      for (let k = 0; k < 8; k++) {
        one.flight.enterFreely();
        one.failed(null, 'eth_getLogs', timeout, 9, NOW);
      }
    };
    two.flight.enterFreely();
    two.succeeded(null, 'eth_call', 1, NOW);
    fails();
    expect(two.breakerWaitMs('eth_call', NOW)).toBe(0);
    const [alone, idle] = open(2) as [Member, Member];
    for (let k = 0; k < 8; k++) {
      alone.flight.enterFreely();
      alone.failed(null, 'eth_getLogs', timeout, 9, NOW);
    }
    expect(idle.breakerWaitMs('eth_call', NOW)).toBeGreaterThan(0);
  });

  it('that is not there is left alone, whatever was called', () => {
    const [node] = open() as [Member];
    node.flight.enterFreely();
    node.succeeded(null, 'eth_call', 1, NOW);
    for (let k = 0; k < 8; k++) {
      node.flight.enterFreely();
      node.failed(null, 'eth_getLogs', failureOf('reset', 'reset before an answer', 'maybe'), 9, NOW);
    }
    expect(node.breakerWaitMs('eth_call', NOW)).toBeGreaterThan(0);
  });

  it('is not to blame for what the node before it at its name still tells', () => {
    const [old] = open() as [Member];
    const next = old.renewed({ ...old.policy, port: 2 }, old.network);
    for (let k = 0; k < 50; k++) {
      old.flight.enterFreely();
      old.gaveUp(null, k % 2 === 0 ? 'eth_call' : 'eth_getLogs', NOW);
      old.blamed('eth_chainId', NOW);
    }
    expect(next.breakerWaitMs('eth_blockNumber', NOW)).toBe(0);
    expect(old.flight.own).toBe(0);
  });

  it('is not to blame for answers that are too large', () => {
    const [node] = open() as [Member];
    for (let k = 0; k < 50; k++) {
      node.flight.enterFreely();
      node.failed(null, 'eth_getLogs', failureOf('oversized', 'oversized', 'maybe'), 9, NOW);
    }
    expect(node.breakerWaitMs('eth_getLogs', NOW)).toBe(0);
    expect(node.flight.own).toBe(0);
  });
});
