import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createConfig, type NetworkConfig } from '../index.ts';

/** Settings and values they may be given, other than their defaults. */
const settings = {
  timeout: ['1s', '2s'],
  max_block_lag: [7, 8],
  chain_id: [1, 'none'],
  coalesce: [true, false],
  'health.interval': ['3s', '4s'],
  'breaker.failure_rate': ['10%', '20%'],
  'breaker.window': ['20s', '30s'],
  'retry.attempts': [4, 5],
  'retry.backoff': ['1ms', '2ms'],
  'hedge.enabled': [true, false],
  'shed.reserve': ['1%', '2%'],
  'cache.enabled': [true, false],
  'cache.methods': [{ a: 'forever' }, { b: 'off' }],
} as const;

type Written = Partial<Record<keyof typeof settings, 0 | 1>>;

const written = fc.record(
  Object.fromEntries(Object.keys(settings).map((name) => [name, fc.constantFrom(0 as const, 1 as const)])),
  { requiredKeys: [] },
) as fc.Arbitrary<Written>;

/** As it would stand in the file. */
function asFile(choices: Written): Record<string, unknown> {
  const file: Record<string, unknown> = {};
  for (const [path, choice] of Object.entries(choices)) {
    const [section = '', field] = path.split('.');
    const value = settings[path as keyof typeof settings][choice];
    if (field === undefined) file[section] = value;
    else file[section] = { ...(file[section] as object | undefined), [field]: value };
  }
  return file;
}

function settle(top: Written, own: Written): NetworkConfig {
  const upstreams = [{ url: 'http://127.0.0.1:1' }, { url: 'http://127.0.0.1:2' }];
  const value = { ...asFile(top), networks: { n: { ...asFile(own), upstreams } } };
  const result = createConfig(value, { name: 'x', directory: '/' });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join());
  return result.config.networks[0]!;
}

describe('settings of a network', () => {
  it('are its own, else those of the top, else the defaults: field by field', () => {
    fc.assert(
      fc.property(written, written, (top, own) => {
        expect(settle(top, own)).toEqual(settle({}, { ...top, ...own }));
        expect(settle(top, {})).toEqual(settle({}, top));
      }),
      { numRuns: 200 },
    );
  });
});
