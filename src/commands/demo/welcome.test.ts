import { expect, test } from 'vitest';
import { welcome } from './welcome.ts';

const facts = {
  version: '0.1.0',
  address: 'http://127.0.0.1:8540',
  admin: 'http://127.0.0.1:9540',
  key: 'pp_live_key',
  chainId: 31337,
  colour: false,
};

test('three curl lines, the address, the key and how to go on', () => {
  const text = welcome(facts);
  expect(text.match(/curl -s/g)).toHaveLength(3);
  for (const part of [
    facts.address,
    'ws://127.0.0.1:8540',
    facts.key,
    'npm start -- --upstream ',
    'npm start -- --config ',
    'chain 31337',
  ]) {
    expect(text).toContain(part);
  }
  expect(text).not.toContain('\u001b');
});

test('in colour on a terminal, with the same words', () => {
  const text = welcome({ ...facts, colour: true });
  expect(text.replace(/\u001b\[\d+m/g, '')).toBe(welcome(facts));
  expect(text).toContain('\u001b[');
});

test('without an admin listener nothing points to one', () => {
  expect(welcome({ ...facts, admin: null })).not.toMatch(/admin|explain/);
});

test('the explain command names an admin listener that is not the usual one', () => {
  expect(welcome(facts)).toContain('bin/polymorph explain REQUEST_ID\n');
  expect(welcome({ ...facts, admin: 'http://127.0.0.1:40001' })).toContain(
    'bin/polymorph explain REQUEST_ID --admin http://127.0.0.1:40001\n',
  );
});
