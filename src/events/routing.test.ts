import { expect, it } from 'vitest';
import { matchesEventType } from '../config/index.ts';
import { createRouting } from './routing.ts';
import { sinkConfig } from './testing/sinks.ts';

const event = {
  type: 'quota.warning',
  severity: 'warning',
  subject: 'key:Jk3n9QxA/acme/eu',
  keyId: 'id-1',
  userId: 'user-1',
} as const;

it.each([
  [{}, true],
  [{ events: ['quota.*'] }, true],
  [{ events: ['*.warning'] }, true],
  [{ events: ['quota.exceeded', 'ip.*'] }, false],
  [{ events: [] }, false],
  [{ min_severity: 'warning' as const }, true],
  [{ min_severity: 'error' as const }, false],
  [{ keys: ['acme/eu'] }, true],
  [{ keys: ['Jk3n9QxA'] }, true],
  [{ keys: ['id-1'] }, true],
  [{ keys: ['acme'] }, false],
  [{ users: ['user-1'] }, true],
  [{ users: ['user-2'] }, false],
  [{ keys: ['other'], users: ['user-1'] }, true],
])('a sink with %j: %s', (values, wanted) => {
  expect(createRouting([sinkConfig('one', values)])(event)).toEqual(wanted ? ['one'] : []);
});

it('gives an event that is about no key to no sink that is limited to keys', () => {
  const route = createRouting([sinkConfig('all'), sinkConfig('some', { keys: ['*', '203.0.113.7'] })]);
  expect(route({ ...event, subject: '203.0.113.7', keyId: null, userId: null })).toEqual(['all']);
  expect(route({ ...event, subject: '*', keyId: null, userId: null })).toEqual(['all']);
});

it.each([
  ['*', 'ip.banned', true],
  ['ip.*', 'ip.banned', true],
  ['ip.*', 'tip.banned', false],
  ['*.exceeded', 'quota.exceeded', true],
  ['*a*a*', 'a', false],
  ['*a*b*', 'cacbc', true],
  ['ab*b', 'ab', false],
  ['ip.banned', 'ip.banned', true],
])('%s takes %s: %s', (pattern, type, taken) => {
  expect(matchesEventType(pattern, type)).toBe(taken);
});
