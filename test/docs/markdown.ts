import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** A fenced block of code. */
export interface Block {
  /** Of the line with its opening fence, from 1. */
  line: number;
  /** The first word behind the fence; '' where there is none. */
  kind: string;
  /** The further words: `file=NAME` as `['file', 'NAME']`, `wrong` as `['wrong', '']`. */
  options: ReadonlyMap<string, string>;
  /** Without the fence's own indentation; ends with a line feed, or is empty. */
  text: string;
  /** The nearest `##` heading above it, by its text; '' before the first. */
  section: string;
}

export interface Page {
  /** From the project's root, with slashes. */
  path: string;
  text: string;
  blocks: readonly Block[];
  /** What links may point at: anchors of headings, as GitHub makes them, and ids of HTML. */
  anchors: ReadonlySet<string>;
  links: readonly { line: number; target: string }[];
  /** Inline code, without its backticks. */
  spans: readonly { line: number; text: string }[];
  /** Faults of the Markdown itself, `line: what`. */
  problems: readonly string[];
}

export const root = join(import.meta.dirname, '../..');
const passedOver = new Set(['node_modules', 'dist', 'results', 'corpus']);

/** All Markdown of the project. */
export function readPages(): Page[] {
  const paths: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.') || passedOver.has(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.name.endsWith('.md')) paths.push(path);
    }
  };
  walk(root);
  return paths.sort().map((path) => readPage(relative(root, path), readFileSync(path, 'utf8')));
}

export function readPage(path: string, text: string): Page {
  const blocks: Block[] = [];
  const problems: string[] = [];
  const headings: string[] = [];
  const prose: string[] = [];
  let open: { fence: string; indent: number; block: Block } | undefined;
  let section = '';
  let inList = false;
  for (const [index, line] of text.split('\n').entries()) {
    const [, space = '', fence = '', words = ''] = /^( *)(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (open !== undefined) {
      prose.push('');
      if (fence.startsWith(open.fence) && words.trim() === '') {
        blocks.push(open.block);
        open = undefined;
      } else {
        open.block.text += `${line.slice(Math.min(open.indent, line.length - line.trimStart().length))}\n`;
      }
      continue;
    }
    if (fence !== '') {
      prose.push('');
      const [kind = '', ...rest] = words.trim().split(/ +/);
      const options = new Map(rest.map((word) => splitOnce(word, '=')));
      open = { fence, indent: space.length, block: { line: index + 1, kind, options, text: '', section } };
      continue;
    }
    prose.push(line);
    const [, level = '', heading = ''] = /^(#{1,6}) +(.+?)(?: +#+)?$/.exec(line) ?? [];
    if (level !== '') headings.push(heading);
    if (level === '##') section = heading;
    if (/^ {0,3}(?:[-*+]|\d+[.)]) /.test(line)) inList = true;
    else if (/^\S/.test(line)) inList = false;
    if (/^ {4}/.test(line) && !inList && (prose.at(-2) ?? '').trim() === '')
      problems.push(`${index + 1}: a block of code without a fence does not say what it is`);
  }
  if (open !== undefined) problems.push(`${open.block.line}: the block of code has no end`);
  return { path, text, blocks, anchors: anchorsOf(headings, prose), ...inline(prose), problems };
}

function splitOnce(word: string, mark: string): [string, string] {
  const at = word.indexOf(mark);
  return at === -1 ? [word, ''] : [word.slice(0, at), word.slice(at + mark.length)];
}

/** As GitHub makes them: https://github.com/gjtorikian/html-pipeline, `toc_filter`. */
function anchorsOf(headings: readonly string[], prose: readonly string[]): Set<string> {
  const anchors = new Set<string>();
  const seen = new Map<string, number>();
  for (const heading of headings) {
    const plain = heading.replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1');
    const anchor = plain
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
      .replaceAll(' ', '-');
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    anchors.add(times === 0 ? anchor : `${anchor}-${times}`);
  }
  for (const line of prose)
    for (const [, id = ''] of line.matchAll(/<[a-z]+[^>]*\b(?:id|name)="([^"]+)"/g)) anchors.add(id);
  return anchors;
}

/** Links and inline code; both may go over the end of a line, and no link is in code. */
function inline(lines: readonly string[]): Pick<Page, 'links' | 'spans'> {
  const links: { line: number; target: string }[] = [];
  const spans: { line: number; text: string }[] = [];
  const text = lines.join('\n').replaceAll(/<!--[^]*?-->/g, (comment) => comment.replaceAll(/[^\n]/g, ' '));
  const lineAt = (index: number): number => text.slice(0, index).split('\n').length;
  const bare = text.replaceAll(
    /(?<!`)(`+)(?!`)((?:[^\n]|\n(?!\n))*?[^`])\1(?!`)/g,
    (whole, _, code: string, index: number) => {
      spans.push({ line: lineAt(index), text: code.replaceAll('\n', ' ').trim() });
      return whole.replaceAll(/[^\n]/g, '.');
    },
  );
  const forms = [
    /\]\(\s*<?([^\s()<>]*(?:\([^()\s]*\)[^\s()]*)?)>?(?:\s+"[^"]*")?\s*\)/g,
    /^\[[^\]]+\]:\s*(\S+)/gm,
  ];
  forms.push(/<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)="([^"]+)"/g, /<(https?:[^>\s]+)>/g);
  for (const form of forms)
    for (const found of bare.matchAll(form))
      links.push({ line: lineAt(found.index), target: found[1] ?? '' });
  return { links, spans };
}
