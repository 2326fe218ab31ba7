import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { judgeMention } from './command-line.ts';
import { judgeBlock } from './kinds.ts';
import { readPage, readPages, root } from './markdown.ts';
import { judgeScripts } from './scripts.ts';

const pages = readPages();
const blocks = pages.flatMap((page) => page.blocks.map((block) => ({ page: page.path, ...block })));

test('there are blocks of code', () => {
  expect(blocks.length).toBeGreaterThan(90);
});

test.each(pages.map((page) => [page.path, page] as const))(
  '%s says nothing that does not hold',
  async (_, page) => {
    const faults = [...page.problems];
    for (const block of page.blocks)
      for (const fault of await judgeBlock(block)) faults.push(`${block.line}: ${fault}`);
    for (const { line, text } of page.spans) {
      const [, words] = /^(?:bin\/)?polymorph ([a-z].*)$/.exec(text) ?? [];
      const fault = words === undefined ? undefined : await judgeMention(words.split(/ +/));
      if (fault !== undefined) faults.push(`${line}: ${text}: ${fault}`);
    }
    expect(faults).toEqual([]);
  },
);

test('TypeScript and JavaScript is right by its types', () => {
  const scripts = blocks.filter(({ kind, options }) => /^[tj]s$/.test(kind) && !options.has('not-run'));
  expect(scripts.length).toBeGreaterThan(1);
  expect(judgeScripts(scripts)).toEqual([]);
});

describe('a block', () => {
  const faultsOf = async (info: string, text: string): Promise<string[]> => {
    const {
      blocks: [block],
      problems,
    } = readPage('docs/made-up.md', `\`\`\`${info}\n${text}\n\`\`\`\n`);
    return [...problems, ...(block === undefined ? [] : await judgeBlock(block))];
  };

  test.each([
    ['yaml', 'limits: { default: { requests: "${COUNT:-5}", period: 1s } }'],
    [
      'yaml',
      'upstreams: [{ url: "${NODE_URL}" }]\nkeys: [{ name: a, key: "${A}" }, { name: b, key: "${B}" }]',
    ],
    ['yaml wrong', 'upstream: []'],
    ['yaml warns', 'admin: { listen: "0.0.0.0:9540", token: "${ADMIN_TOKEN}" }'],
    [
      'yaml prometheus',
      'scrape_configs: [{ job_name: a, static_configs: [{ targets: ["127.0.0.1:9540"] }] }]',
    ],
    ['yaml helm', 'replicaCount: 3\nconfig: { upstreams: [{ url: http://node:8545 }] }'],
    ['json', '{"a":1}'],
    ['console', '$ polymorph check a.yaml\nprinted'],
    ['python', 'def a(): pass'],
    ['toml', 'a = 1'],
    ['go', 'package a'],
    ['nginx', 'location / { proxy_pass http://127.0.0.1:8540; }'],
    ['haproxy', 'backend a\n  server one 127.0.0.1:8540'],
    ['promql', '# all\nsum(rate(polymorph_requests_total[5m]))\n\nup == 0'],
    ['text', 'a diagram'],
    ['ts not-run=nothing', '', 'has no reason'],
    ['yaml', 'upstream: []', 'upstreams'],
    ['yaml', 'admin: { listen: "0.0.0.0:9540", token: "${ADMIN_TOKEN}" }', 'admin'],
    ['yaml wrong', 'timeout: 1s', 'is right'],
    ['yaml warns', 'timeout: 1s', 'warns of nothing'],
    ['yaml helm', 'config: { upstream: [] }', 'upstream'],
    ['yaml helm', 'replica: 3', 'no values replica'],
    ['yaml other', 'a: 1', 'no word other'],
    ['json', '{"a":…}', 'JSON'],
    ['sh', 'polymorph chekc', 'unknown command'],
    ['console', 'printed', 'begins with'],
    ['text', 'polymorph check a.yaml', 'a command'],
    ['', '$ a', 'a command'],
    ['cobol', 'A.', 'no rule'],
  ] as [string, string, string?][])('of %s is judged: %s %s', async (info, text, fault) => {
    const found = await faultsOf(info, text);
    expect(found).toEqual(fault === undefined ? [] : [expect.stringContaining(fault)]);
  });

  test.each([
    ['', '    polymorph check a.yaml\n', '2: a block of code without a fence'],
    ['```sh\na', '', '1: the block of code has no end'],
  ])('that is not fenced is a fault', (before, after, fault) => {
    expect(readPage('a.md', `${before}\n${after}`).problems).toEqual([expect.stringContaining(fault)]);
  });

  test('is of its section, and without the indentation of its fence', () => {
    const page = readPage(
      'a.md',
      '## A\n### B\n- c:\n\n  ```yaml file=a.yaml\n  a:\n    b: 1\n  ```\n\n      d\n',
    );
    expect(page.blocks).toEqual([
      { line: 5, kind: 'yaml', options: new Map([['file', 'a.yaml']]), text: 'a:\n  b: 1\n', section: 'A' },
    ]);
    expect(page.problems).toEqual([]);
  });
});

/** A command in a comment or a field, not the program's name alone: from the program's name to the end of what may be one. */
const commented = /\bpolymorph [a-z][^\n`'"…—]*/g;

const files = ['examples', 'deploy'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:ya?ml|service|txt|tpl|cfg|js)$|Dockerfile$/.test(name))
    .map((name) => `${folder}/${name}`),
);

test.each(files)('%s names commands that are there', async (path) => {
  const found = readFileSync(join(root, path), 'utf8').match(commented) ?? [];
  for (const text of found)
    expect(await judgeMention(text.trim().split(/ +/).slice(1)), text).toBeUndefined();
});
