import { expect, test } from 'vitest';
import { parseConfig } from '../config/index.ts';
import { ours } from './request-head.ts';

/** Else a worker would end on what the checks let pass. */
test.each([...ours])('the header %s is refused by the checks of the config', (header) => {
  const text = `upstreams: [{ url: "http://127.0.0.1:8545", headers: { ${header}: x } }]\n`;
  const result = parseConfig(text, { env: {}, file: 'c.yaml', directory: '/' });
  expect(result.ok ? [] : result.problems.map(({ message }) => message)).toEqual([
    `found ${JSON.stringify(header)}, this header is written by the gateway itself`,
  ]);
});
