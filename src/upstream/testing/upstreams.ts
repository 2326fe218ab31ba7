import { expect } from 'vitest';
import { type FakeUpstream, startFakeUpstream, type Vice } from '../../../test/fakes/upstream.ts';
import type { UpstreamPolicy } from '../../config/index.ts';
import type { Upstream } from '../call.ts';
import { type Caller, policyFor, sendTo, sleep, testDeps } from './caller.ts';
import { createUpstream } from '../upstream.ts';

const closers: (() => Promise<void>)[] = [];

/** For `afterEach`. */
export async function closeUpstreams(): Promise<void> {
  for (const close of closers.splice(0).toReversed()) await close();
}

export async function fakeNode(vice: Vice = {}): Promise<FakeUpstream> {
  const fake = await startFakeUpstream({ vice });
  closers.push(() => fake.close());
  return fake;
}

export function upstreamOf(fake: { port: number }, over: Partial<UpstreamPolicy> = {}): Upstream {
  const upstream = createUpstream(policyFor(fake.port, over), testDeps());
  closeLater(upstream);
  return upstream;
}

/** By {@link closeUpstreams}. */
export function closeLater(upstream: Upstream): void {
  closers.push(() => upstream.close(0));
}

export async function settled(...callers: Caller[]): Promise<Caller[]> {
  await Promise.all(callers.map((caller) => caller.settled));
  return callers;
}

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

/** So many good answers, one after the other. */
export async function warm(upstream: Upstream, calls = 1): Promise<void> {
  const callers = Array.from({ length: calls }, () => sendTo(upstream));
  await settled(...callers);
  for (const caller of callers) expect(caller.result).toBe(caller.nonce);
}

/** As the fake node sends an answer. */
export function httpOf(answer: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`;
}

export const hang: Vice = { request() {} };
export const closeUnanswered: Vice = { request: (x) => void x.socket.end() };
