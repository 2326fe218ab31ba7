import { expect, it } from 'vitest';
import type { BanRecord } from '../../admission/index.ts';
import { createUntoldBans, type Decision, type UntoldBan } from './untold-bans.ts';

const heard: string[] = [];
function change(prefix: string, name: string, patient = false): UntoldBan {
  const record: BanRecord = {
    ...{ prefix, reason: name, by: 'ada', times: 1, beganAt: 1, until: null, endedAt: null },
  };
  const decided = (decision: Decision) => void heard.push(`${name} ${decision}`);
  return { record, unlessStanding: false, patient, decided };
}
const names = (changes: UntoldBan[]) => changes.map(({ record: { reason } }) => reason);
const since = () => heard.splice(0);

it('keeps their order, and of a prefix the last where they could not be told', () => {
  const untold = createUntoldBans(100);
  for (const [prefix, name] of [
    ['a', 'a1'],
    ['b', 'b1'],
    ['a', 'a2'],
  ] as const)
    untold.add(change(prefix, name, true));
  const batch = untold.take(2);
  expect(names(batch)).toEqual(['a1', 'b1']);
  expect(['a', 'b', 'c'].map(untold.has)).toEqual([true, true, false]);
  untold.putBack(batch);
  expect(since(), 'overtaken').toEqual(['a1 away']);
  const again = untold.take(10);
  expect(names(again)).toEqual(['b1', 'a2']);
  untold.told(again);
  expect(['a', 'b'].map(untold.has)).toEqual([false, false]);
});

it('has who is patient wait, and nobody else', () => {
  const untold = createUntoldBans(100);
  untold.add(change('a', 'now'));
  untold.add(change('b', 'patient', true));
  untold.waitNoLonger();
  untold.waitNoLonger();
  expect(since(), 'once').toEqual(['now away']);
  expect(untold.has('a'), 'the others are told all the same').toBe(true);
  untold.giveUp();
  expect(since()).toEqual(['patient away']);
  expect([untold.has('a'), untold.take(10)]).toEqual([false, []]);
});

it('lets go of who waits for what was under way, once that could not be told', () => {
  const untold = createUntoldBans(100);
  untold.add(change('a', 'now'));
  const batch = untold.take(1);
  untold.waitNoLonger();
  expect(since()).toEqual([]);
  untold.putBack(batch);
  untold.waitNoLonger();
  expect(since()).toEqual(['now away']);
  untold.told(untold.take(1));
  untold.add(change('b', 'next'));
  untold.waitNoLonger();
  expect(since()).toEqual(['next away']);
});

it('has nobody wait after its end', () => {
  const untold = createUntoldBans(100);
  untold.add(change('a', 'under way', true));
  const batch = untold.take(1);
  untold.giveUp();
  untold.add(change('b', 'late', true));
  untold.putBack(batch);
  expect(since()).toEqual(['late away', 'under way away']);
  expect([untold.has('a'), untold.has('b'), untold.take(9)]).toEqual([false, false, []]);
});

it('gives up the oldest beyond its bound', () => {
  const untold = createUntoldBans(100);
  for (let i = 0; i < 103; i += 1) untold.add(change(`p${i}`, `c${i}`, true));
  expect(since()).toEqual(['c0 away', 'c1 away', 'c2 away']);
  expect([untold.has('p2'), untold.has('p3')]).toEqual([false, true]);
  expect(untold.take(1000)).toHaveLength(100);
});
