import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { floors } from './lint/floors.ts';

const root = join(import.meta.dirname, '..');
const page = readFileSync(join(root, 'docs/ARCHITECTURE.md'), 'utf8');
const rooms = floors.flat();

/** The file or folder of that name in a folder of the sources; undefined: there is none. */
function find(folder: string, name: string): string | undefined {
  return [name, `${name}.ts`].map((one) => join(root, folder, one)).find((path) => existsSync(path));
}

const fences = [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)].map(([, kind = '', text = '']) => ({
  kind,
  text,
}));

interface Step {
  room: string;
  line: string;
  rest: string;
}

/** Lines of a block, each with the room that it, or one before it, begins with. */
function stepsOf(text: string): Step[] {
  let room = '';
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, named, rest = line] = /^([a-z]+)\/?\s+(.*)$/.exec(line) ?? [];
      if (named !== undefined && rooms.includes(named)) room = named;
      return { room, line, rest: named === undefined ? line.trim() : rest };
    });
}

/** As a function, class or method, and not by a call of it. */
function isDefined(name: string, source: string): boolean {
  const declared = String.raw`\b(?:function|class|const|let|interface)\s+${name}\b`;
  const member = String.raw`^\s*(?:[a-z]+ )*${name}\s*(?:[=:<]|\((?!.*;$))`;
  return new RegExp(`${declared}|${member}`, 'm').test(source);
}

describe('the route of', () => {
  const routes = fences.filter(({ kind }) => kind === 'route').flatMap(({ text }) => stepsOf(text));
  test('routes are there, and each step has its room', () => {
    expect(routes.length).toBeGreaterThan(50);
    expect(routes.filter(({ room }) => room === '')).toEqual([]);
  });

  test.each(routes)('$room: $rest', ({ room, rest }) => {
    const [, file = '', words = ''] = /^([a-z0-9/-]+)(.*)$/.exec(rest) ?? [];
    const path = find(`src/${room}`, `${file}.ts`);
    expect(path, `src/${room}/${file}.ts`).toBeDefined();
    const source = readFileSync(path!, 'utf8');
    const names = [...words.matchAll(/`([A-Za-z][A-Za-z0-9]*)`/g)].map(([, name = '']) => name);
    // A step without a function says where to look, and no more.
    const elsewhere = otherFiles(room, words);
    const missing = names.filter((name) => ![source, ...elsewhere].some((text) => isDefined(name, text)));
    expect(missing, 'no function of that file').toEqual([]);
  });
});

/** What a step names beside its file: a file of the room by its path, or one that stands beside it. */
function otherFiles(room: string, words: string): string[] {
  return [...words.matchAll(/[a-z0-9]+(?:[/-][a-z0-9]+)*/g)]
    .map(([name]) => find(`src/${room}`, `${name}.ts`))
    .filter((path) => path !== undefined)
    .map((path) => readFileSync(path, 'utf8'));
}

describe('paths', () => {
  const lintRules = Object.keys(
    (JSON.parse(readFileSync(join(root, '.oxlintrc.json'), 'utf8')) as { rules: object }).rules,
  );
  const inText = [...page.matchAll(/`([a-z0-9_.-]+(?:\/[a-z0-9_.-]+)+\/?)`/g)].map(([, path = '']) => path);
  test.each([...new Set(inText)])('%s is there', (path) => {
    if (lintRules.includes(path)) return;
    // In words a path is of the root, of the sources or of one of the rooms.
    const folders = ['', 'src', ...rooms.map((room) => `src/${room}`)];
    expect(folders.some((folder) => find(folder, path) !== undefined)).toBe(true);
  });

  // Of a block in columns the second is a file.
  const inBlocks = fences
    .flatMap(({ text }) => stepsOf(text))
    .filter(({ room }) => room !== '')
    .flatMap(({ room, rest }) => {
      const [, path] = /^([a-z0-9-]+(?:\/[a-z0-9-]+)*)(?: {2,}|$)/.exec(rest) ?? [];
      return path === undefined ? [] : [{ room, path }];
    });
  test.each(inBlocks)('$path of $room is there', ({ room, path }) => {
    expect(find(`src/${room}`, path) ?? find('src', path)).toBeDefined();
  });

  const links = [...page.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link);
  test.each([...new Set(links)])('%s is there', (link) => {
    expect(existsSync(join(root, 'docs', link))).toBe(true);
  });
});

describe('floors', () => {
  const ofRooms = (line: string): string[] =>
    [...line.matchAll(/[a-z]+/g)].map(([word]) => word).filter((word) => rooms.includes(word));

  test('of the diagram are those of the lint rule', () => {
    const drawn =
      fences
        .find(({ kind }) => kind === 'rooms')
        ?.text.trimEnd()
        .split('\n') ?? [];
    const found = drawn.toReversed().map((line, floor) => {
      expect(line).toMatch(new RegExp(`^${floor}  `));
      return ofRooms(line)
        .filter((room) => room !== 'in')
        .toSorted();
    });
    expect(found).toEqual(floors.map((names) => names.toSorted()));
  });

  test('of the table are, too', () => {
    const rows = [...page.matchAll(/^\| (\d) \| `([a-z]+)` \|/gm)].map(
      ([, floor, room]) => `${floor} ${room}`,
    );
    expect(rows.toSorted()).toEqual(
      floors.flatMap((names, floor) => names.map((room) => `${floor} ${room}`)).toSorted(),
    );
  });

  test('of CONTRIBUTING.md are, too', () => {
    const text = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');
    const [, list = ''] = /go(?:es)? strictly down:\n\n(?:```text\n)?((?:.*\w.*\n)+)/.exec(text) ?? [];
    const found = list
      .trimEnd()
      .split('\n')
      .map((line) => ofRooms(line).toSorted());
    expect(found.toReversed()).toEqual(floors.map((names) => names.toSorted()));
  });

  test('have every folder of the sources, and each room a face', () => {
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    expect(folders.map(({ name }) => name).toSorted()).toEqual(rooms.toSorted());
    expect(rooms.filter((room) => !existsSync(join(root, 'src', room, 'index.ts')))).toEqual([]);
  });
});
