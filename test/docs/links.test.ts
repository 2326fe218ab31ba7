import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Page, readPage, readPages, root } from './markdown.ts';

const pages = readPages();
const byPath = new Map(pages.map((page) => [page.path, page]));

/** What is wrong with a link, or undefined. Nobody is asked whether another's page is there. */
function judge(page: Page, target: string): string | undefined {
  if (/^[a-z]+:/.test(target)) {
    const sound = URL.canParse(target) && /^(?:https?|mailto):/.test(target);
    return sound ? undefined : 'is no address';
  }
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page.path : relative(root, join(root, page.path, '..', decodeURI(path)));
  if (file.startsWith('..')) return 'is outside the project';
  if (!existsSync(join(root, file))) return 'leads nowhere';
  if (anchor === undefined) return undefined;
  const lines = /^L(\d+)$/.exec(anchor);
  if (lines !== null) {
    const count = readFileSync(join(root, file), 'utf8').split('\n').length;
    return Number(lines[1]) <= count ? undefined : 'is beyond the end';
  }
  return byPath.get(file)?.anchors.has(anchor) === true ? undefined : `has no such heading as #${anchor}`;
}

function badLinks(page: Page): string[] {
  return page.links.flatMap(({ line, target }) => {
    const fault = judge(page, target);
    return fault === undefined ? [] : [`${page.path}:${line}: ${target} ${fault}`];
  });
}

test('there are pages and links', () => {
  expect(pages.map(({ path }) => path)).toEqual(
    expect.arrayContaining([
      'README.md',
      'CONTRIBUTING.md',
      'docs/EXAMPLES.md',
      'docs/decisions/0009-store-and-ledger.md',
    ]),
  );
  expect(pages.flatMap(({ links }) => links).length).toBeGreaterThan(150);
});

test.each(pages.map((page) => [page.path, page] as const))('%s links to what is there', (_, page) => {
  expect(badLinks(page)).toEqual([]);
});

describe('a link', () => {
  const faults = (text: string): string[] => badLinks(readPage('docs/made-up.md', text));

  test.each([
    ['[a](upstreams.md)', 'a page'],
    ['[a](../examples)', 'a folder'],
    ['[a](errors.md#rate_limited "title")', 'a heading'],
    ['`[a](nothing.md)`', 'code'],
    ['```text\n[a](nothing.md)\n```', 'a block of code'],
    ['<!-- [a](nothing.md) -->', 'a comment'],
    ['[a](https://example.com/a_(b)#c)', 'another’s page'],
    ['[a](../src/main.ts#L1)', 'a line'],
  ])('%s is right: %s', (text) => expect(faults(text)).toEqual([]));

  test.each([
    ['[a](nothing.md)', 'leads nowhere'],
    ['text\n[a\nb](nothing.md)', 'docs/made-up.md:3'],
    ['[a](errors.md#nothing)', 'has no such heading'],
    ['[a](../../nothing)', 'outside'],
    ['[a](https://)', 'is no address'],
    ['[a](htps://example.com)', 'is no address'],
    ['<img src="nothing.png">', 'leads nowhere'],
    ['[a]: nothing.md', 'leads nowhere'],
    ['[a](../src/main.ts#L99999)', 'beyond the end'],
  ])('%s is wrong: %s', (text, fault) => {
    expect(faults(text)).toEqual([expect.stringContaining(fault)]);
  });

  test('finds the anchors of headings as GitHub makes them', () => {
    const page = readPage(
      'docs/a.md',
      '# Über `x_y`: a [b](c.md)!\n## A\n### A\n<a id="here"></a>\n```\n# no\n```\n',
    );
    expect([...page.anchors]).toEqual(['über-x_y-a-b', 'a', 'a-1', 'here']);
  });
});
