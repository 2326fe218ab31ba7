import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type YAMLMap,
} from 'yaml';
import { type Environment, expandEnvironment } from '../environment.ts';
import { formatPath, type Path, type Problem } from '../problem.ts';

/** Values that aliases may add up to: far beyond any honest config, far below what would hurt. */
const ALIASED_VALUES_MAX = 100_000;
const DEPTH_MAX = 64;

export type Place = Pick<Problem, 'line' | 'column' | 'length'>;

/** A YAML text as values and places. */
export interface YamlSource {
  value: unknown;
  /** What is wrong with the text itself: syntax, duplicate keys, environment, aliases. */
  problems: Problem[];
  /** Where a value stands, or its key; of a value that is not there, the nearest thing around it. */
  locate(path: Path, what: 'value' | 'key'): Place;
  /** Is anything written there? */
  has(path: Path): boolean;
  /** The scalar as written, quotes and `${…}` included; undefined if there is no scalar. */
  written(path: Path): string | undefined;
}

/** Reads YAML 1.2 with places for every problem. About 1 s for 1 MB: files of the plain kind go past it. */
export function readYaml(text: string, file: string, env: Environment): YamlSource {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    uniqueKeys: false,
    prettyErrors: false,
    schema: 'core',
    merge: false,
    stringKeys: false,
  });
  const list = Array.isArray(documents) ? documents : [];
  const document = list[0];
  const problems: Problem[] = [];
  const place = (from: number, to: number): Place => {
    const { line, col } = lines.linePos(Math.min(from, Math.max(0, text.length)));
    return { line: Math.max(1, line), column: Math.max(1, col), length: Math.max(1, to - from) };
  };
  const report = (from: number, to: number, path: Path, message: string, suggestion?: string): void => {
    problems.push({
      severity: 'error',
      file,
      ...place(from, to),
      path: formatPath(path),
      message,
      suggestion,
    });
  };
  // One: the further ones mostly follow from the first.
  for (const error of [...(document?.errors ?? []), ...(document?.warnings ?? [])].slice(0, 1)) {
    const at = Math.min(error.pos[0], text.length);
    const hint = syntaxHint(text, at);
    report(at, error.pos[1], [], `not valid YAML: ${sentence(error.message)}`, hint);
  }
  if (list.length > 1) {
    const at = list[1]?.range[0] ?? 0;
    report(at, at + 1, [], 'a second YAML document: a config is one document', 'remove the `---` line');
  }

  const root = (document?.contents ?? null) as Node | null;
  const anchors = new Map<string, Node>();
  const active = new Set<Node>();
  let aliased = 0;

  const convert = (node: Node | null | undefined, path: Path, insideAlias: boolean): unknown => {
    if (!node) return null;
    if (path.length > DEPTH_MAX) {
      report(node.range?.[0] ?? 0, node.range?.[1] ?? 0, path.slice(0, 4), 'nested deeper than 64 levels');
      return null;
    }
    if (insideAlias && ++aliased > ALIASED_VALUES_MAX) return null;
    if (isAlias(node)) return convertAlias(node, path);
    if (active.has(node)) {
      report(node.range?.[0] ?? 0, node.range?.[1] ?? 0, path, 'an alias that holds itself');
      return null;
    }
    if ('anchor' in node && node.anchor) anchors.set(node.anchor, node);
    active.add(node);
    const value = isMap(node)
      ? convertMap(node, path, insideAlias)
      : isSeq(node)
        ? node.items.map((item, index) => convert(item as Node, [...path, index], insideAlias))
        : isScalar(node)
          ? convertScalar(node, path)
          : null;
    active.delete(node);
    return value;
  };

  const convertAlias = (node: Alias, path: Path): unknown => {
    const target = anchors.get(node.source);
    const [from = 0, to = 0] = node.range ?? [];
    if (!target) {
      report(from, to, path, `no anchor &${node.source} before this alias`);
      return null;
    }
    if (active.has(target)) {
      report(from, to, path, 'an alias that holds itself');
      return null;
    }
    const before = aliased;
    const value = convert(target, path, true);
    if (aliased > ALIASED_VALUES_MAX && before <= ALIASED_VALUES_MAX) {
      report(from, to, path, `aliases add up to more than ${ALIASED_VALUES_MAX} values`);
    }
    return value;
  };

  const convertMap = (node: YAMLMap, path: Path, insideAlias: boolean): unknown => {
    const map: Record<string, unknown> = {};
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      const [from = 0, to = 0] = pair.key?.range ?? [];
      if (!isScalar(pair.key) || (typeof pair.key.value === 'object' && pair.key.value !== null)) {
        report(from, to, path, 'a key that is not a plain name');
        continue;
      }
      const name = keyName(pair) ?? '';
      if (name === '__proto__') {
        report(from, to, path, 'unknown key `__proto__`');
        continue;
      }
      if (Object.hasOwn(map, name)) {
        const first = (node.items as Pair<Node>[]).find((other) => keyName(other) === name);
        report(
          from,
          to,
          path,
          `key \`${name}\` is there twice, first on line ${place(first?.key.range?.[0] ?? 0, 0).line}`,
        );
        continue;
      }
      map[name] = convert(pair.value, [...path, name], insideAlias);
    }
    return map;
  };

  const convertScalar = (node: Node & { value: unknown }, path: Path): unknown => {
    const { value } = node;
    if (typeof value !== 'string' || !value.includes('${'))
      return typeof value === 'bigint' ? Number(value) : value;
    const [from = 0, to = 0] = node.range ?? [];
    return expandEnvironment(value, env, (problem) => {
      // Exact where the text stands as it was written; else at the scalar.
      const at = text.slice(from, to).indexOf(value);
      const start = at < 0 ? from : from + at + problem.at;
      report(start, at < 0 ? to : start + problem.length, path, problem.message, problem.suggestion);
    });
  };

  const value = convert(root, [], false);

  const find = (path: Path): { node: Node | null; key: Node | null; found: number } => {
    let node: Node | null = root;
    let key: Node | null = null;
    let found = 0;
    for (const segment of path) {
      if (isAlias(node)) node = anchors.get(node.source) ?? null;
      if (isMap(node)) {
        const pair = (node as YAMLMap<Node, Node | null>).items.find((item) => keyName(item) === segment);
        if (pair) {
          key = pair.key;
          node = pair.value;
        } else if (segment !== 0) break;
        // One thing where a list may be is the list of it alone.
      } else if (isSeq(node) && typeof segment === 'number') {
        const item = node.items[segment] as Node | undefined;
        if (!item) break;
        node = item;
        key = null;
      } else if (segment !== 0) break;
      found += 1;
    }
    return { node, key, found };
  };

  return {
    value,
    problems,
    locate(path, what) {
      const { node, key, found } = find(path);
      const at =
        what === 'key' || found < path.length || !node?.range || emptyNode(node) ? (key ?? node) : node;
      const target = at && !isScalar(at) && !isAlias(at) ? (firstKey(at) ?? at) : at;
      const [from = 0, to = 0] = target?.range ?? [];
      const end = text.slice(from, to).indexOf('\n');
      return place(from, end < 0 ? to : from + end);
    },
    has: (path) => find(path).found === path.length,
    written(path) {
      const { node, found } = find(path);
      if (found < path.length || !isScalar(node) || !node.range) return undefined;
      return text.slice(node.range[0], node.range[1]);
    },
  };
}

function keyName(pair: Pair<Node, unknown>): string | undefined {
  if (!isScalar(pair.key)) return undefined;
  const { value, source } = pair.key;
  return typeof value === 'string' ? value : (source ?? String(value));
}

/** A value that is not written, as after `key:`, has no width. */
function emptyNode(node: Node): boolean {
  return isScalar(node) && node.range?.[0] === node.range?.[1];
}

function firstKey(node: Node): Node | undefined {
  return isMap(node) && !node.flow
    ? ((node.items[0] as Pair<Node> | undefined)?.key ?? undefined)
    : undefined;
}

function sentence(message: string): string {
  const text = message.replace(/ at line \d+, column \d+:?[\s\S]*$/, '').trim();
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** What a mistake in YAML's grammar most likely was, going by its line. */
function syntaxHint(text: string, at: number): string | undefined {
  const end = text.indexOf('\n', at);
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1, end < 0 ? text.length : end);
  if (/[{[].*\$\{/.test(line)) return 'inside { } and [ ] put quotes around "${…}"';
  if (/^\s*\t/.test(line)) return 'indent with spaces, not tabs';
  const address = /\[[0-9a-f:]+\]:\d+/i.exec(line)?.[0];
  return address === undefined ? undefined : `put quotes around it: "${address}"`;
}
