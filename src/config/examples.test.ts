import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile, createConfig, editorSchema, formatProblem, loadConfig, referencePage } from './index.ts';
import { readPlainYaml } from './source/plain-yaml.ts';
import { testRegistries } from './testing/registries.ts';

const examples = new URL('../../examples/', import.meta.url);
const env = {
  ACME_KEY: 'acme-key-0123456789abcdef',
  ALICE_KEY: 'alice-key-0123456789abcdef',
  BOB_KEY: 'bob-key-0123456789abcdef',
  PARTNER_KEY: 'partner-key-0123456789abcdef',
  ADMIN_TOKEN: '0123456789abcdef0123456789abcdef',
};

describe('examples', () => {
  const files = readdirSync(examples).filter((name) => name.endsWith('.yaml'));

  it('are there', () => {
    expect(files.sort()).toEqual([
      'behind-a-load-balancer.yaml',
      'config-enhanced.yaml',
      'keys-and-quotas.yaml',
      'minimal.yaml',
      'one-node.yaml',
      'primary-and-fallback.yaml',
      'several-networks.yaml',
      'three-providers.yaml',
    ]);
  });

  it.each(files)('%s loads and compiles', (name) => {
    const result = loadConfig(new URL(name, examples).pathname, { env });
    expect(result.ok ? [] : result.problems.map(formatProblem)).toEqual([]);
    if (!result.ok) return;
    // One tells of the token that crosses the network, which is for who runs it to see.
    expect(result.warnings().length).toBe(name === 'behind-a-load-balancer.yaml' ? 1 : 0);
    expect(compile(result.config, testRegistries()).networks.length).toBeGreaterThan(0);
    expect(result.text.startsWith('# yaml-language-server: $schema=./config.schema.json\n')).toBe(true);
  });

  it.each(files)('%s is of the kind that is read fast', (name) => {
    expect(readPlainYaml(readFileSync(new URL(name, examples), 'utf8'))).toBeDefined();
  });

  it('config-enhanced.yaml shows every section and field', () => {
    const text = readFileSync(new URL('config-enhanced.yaml', examples), 'utf8');
    const names = new Set<string>();
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      const { properties } = value as { properties?: Record<string, unknown> };
      for (const name of Object.keys(properties ?? {})) names.add(name);
      for (const inner of Object.values(value)) walk(inner);
    };
    walk(editorSchema());
    // The one network's short form, which this file cannot have beside networks.
    names.delete('upstreams');
    expect([...names].filter((name) => !new RegExp(`\\b${name}:`).test(text))).toEqual([]);
  });
});

describe('generated files', () => {
  const because = 'run: node scripts/generate-docs.ts';

  it('docs/configuration.md is that of the schema', () => {
    expect(
      readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8') === referencePage(),
      because,
    ).toBe(true);
  });

  it('examples/config.schema.json is that of the schema', () => {
    const committed: unknown = JSON.parse(readFileSync(new URL('config.schema.json', examples), 'utf8'));
    expect(committed, because).toEqual(editorSchema());
  });

  it('the reference gives every field a type and a meaning', () => {
    const rows = referencePage()
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    expect(rows.length).toBeGreaterThan(70);
    for (const row of rows) {
      const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
      expect(cells).toHaveLength(7);
      expect(cells[2]).not.toBe('');
      expect(cells[5]).toMatch(/\.$/);
    }
  });

  it('the defaults of the reference are those of the config', () => {
    const result = createConfig(
      { upstreams: [{ url: 'http://127.0.0.1:8545' }] },
      { name: 'x', directory: '/' },
    );
    expect(result.ok && result.config.server.idle_timeout).toBe(75_000);
    expect(referencePage()).toContain('| `idle_timeout` | duration | `75s` |');
  });
});
