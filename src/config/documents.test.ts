import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile, formatProblem, parseConfig } from './index.ts';
import { certA } from './testing/certificates.ts';
import { testRegistries } from './testing/registries.ts';

const docs = new URL('../../docs/', import.meta.url);
const pages = [
  { file: 'upstreams.md', examples: 8 },
  { file: 'scaling.md', examples: 3 },
];
const env = { REDIS_PASSWORD: 'secret', SENTINEL_PASSWORD: 'secret' };

describe.each(pages)('docs/$file', ({ file, examples }) => {
  const page = readFileSync(new URL(file, docs), 'utf8');
  const blocks = [...page.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, yaml = '']) => yaml);

  it('has examples', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(examples);
  });

  it.each(blocks.map((yaml, index) => [index + 1, yaml] as const))('config %i', (_, yaml) => {
    const result = parseConfig(yaml, {
      ...{ env, file },
      directory: '/etc',
      readFile: () => Buffer.from(certA),
    });
    expect((result.ok ? result.warnings() : result.problems).map(formatProblem)).toEqual([]);
    if (result.ok) expect(compile(result.config, testRegistries()).networks.length).toBeGreaterThan(0);
  });

  it('links to files that are there', () => {
    const links = [...page.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, target = '']) => target);
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((target) => !existsSync(new URL(target, docs)))).toEqual([]);
  });
});
