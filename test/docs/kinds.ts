import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { judgeShell, reasonNotRun, typedLines } from './commands.ts';
import { judgeConfig } from './config-blocks.ts';
import { type Block, root } from './markdown.ts';
import { judgeBy, judgeHaproxy, judgeNginx, judgePrometheus, judgePromql } from './other-programs.ts';

interface Kind {
  /** What is wrong with a block, each fault in words. */
  judge(block: Block): string[] | Promise<string[]>;
  /** Which words may stand behind the kind. */
  words?: readonly string[];
}

/** A rule for each kind of block. A block of a kind that is not here is a fault. */
const kinds: Readonly<Record<string, Kind>> = {
  '': { judge: judgePlain },
  text: { judge: judgePlain, words: ['file'] },
  // Of docs/ARCHITECTURE.md, whose test looks up what they name.
  route: { judge: judgePlain },
  rooms: { judge: judgePlain },
  yaml: {
    judge: judgeYaml,
    words: ['file', 'wrong', 'warns', 'helm', 'prometheus', 'kubernetes', 'compose'],
  },
  json: { judge: ({ text }) => tried(() => JSON.parse(text)), words: ['file'] },
  sh: { judge: ({ text }) => judgeShell(text), words: ['file'] },
  console: { judge: judgeTranscript, words: ['not-run'] },
  // Their types are looked at for all together, by `judgeScripts`.
  ts: { judge: judgeScript, words: ['file', 'not-run'] },
  js: { judge: judgeScript, words: ['file', 'not-run'] },
  python: {
    judge: ({ text }) => judgeBy('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], text),
    words: ['file'],
  },
  toml: {
    judge: ({ text }) =>
      judgeBy('python3', ['-c', 'import sys, tomllib; tomllib.loads(sys.stdin.read())'], text),
  },
  go: { judge: ({ text }) => judgeBy('gofmt', ['-e'], text) },
  ruby: { judge: ({ text }) => judgeBy('ruby', ['-c'], text) },
  nginx: { judge: judgeNginx },
  haproxy: { judge: judgeHaproxy },
  promql: { judge: judgePromql },
  // Nothing here reads them: what they say is seen by no test.
  caddyfile: { judge: () => [] },
  http: { judge: () => [] },
};

export async function judgeBlock(block: Block): Promise<string[]> {
  const kind = Object.hasOwn(kinds, block.kind) ? kinds[block.kind] : undefined;
  if (kind === undefined) return [`no rule for a block of ${block.kind}: see test/docs/kinds.ts`];
  const unknown = [...block.options.keys()].filter((word) => kind.words?.includes(word) !== true);
  if (unknown.length > 0) return [`a block of ${block.kind} has no word ${unknown.join(', ')}`];
  const notRun = block.options.get('not-run');
  if (notRun !== undefined && reasonNotRun(notRun) === undefined)
    return [`not-run=${notRun} has no reason in test/docs/commands.ts`];
  return kind.judge(block);
}

function tried(attempt: () => unknown): string[] {
  try {
    attempt();
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

/** A diagram or an output: commands in it would be run by nobody. */
function judgePlain({ text, options }: Block): string[] {
  if (options.has('file')) return [];
  const command = /^(?:\$ |(?:bin\/)?polymorph |curl |npm |npx ).*$/m.exec(text);
  return command === null ? [] : [`a command in a block that says of itself that it has none: ${command[0]}`];
}

function judgeYaml(block: Block): string[] {
  const { text, options } = block;
  if (options.has('prometheus')) return judgePrometheus(text);
  if (!['helm', 'kubernetes', 'compose'].some((word) => options.has(word))) return judgeConfig(block);
  return tried(() => {
    const value: unknown = parse(text);
    if (typeof value !== 'object' || value === null) throw new Error('is no mapping');
    if (!options.has('helm')) return;
    const strange = Object.keys(value).filter((name) => !Object.hasOwn(chartValues(), name));
    if (strange.length > 0) throw new Error(`the chart has no values ${strange.join(', ')}`);
    const [fault] = 'config' in value ? judgeConfig({ ...block, text: stringify(value.config) }) : [];
    if (fault !== undefined) throw new Error(fault);
  });
}

function chartValues(): object {
  return parse(readFileSync(join(root, 'deploy/helm/polymorph-proxy/values.yaml'), 'utf8')) as object;
}

/** What is run for real is judged by that. */
function judgeTranscript({ text, options }: Block): string[] | Promise<string[]> {
  if (!text.startsWith('$ ')) return ['a transcript begins with a line that is typed'];
  return options.has('not-run') ? judgeShell(typedLines(text).join('\n')) : [];
}

function judgeScript({ text, options }: Block): string[] {
  return options.has('not-run') ? tried(() => stripTypeScriptTypes(text, { mode: 'strip' })) : [];
}
