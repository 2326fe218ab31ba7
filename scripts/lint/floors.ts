import { posix } from 'node:path';

/** The rooms of src/, bottom up: an import goes to a lower floor or stays in its room. See docs/ARCHITECTURE.md. */
export const floors: readonly (readonly string[])[] = [
  ['jsonrpc', 'limits', 'threads'],
  ['identity', 'metrics'],
  ['config'],
  ['http'],
  ['upstream', 'answer', 'admission', 'usage', 'events'],
  ['websocket', 'store', 'redis'],
  ['accounts'],
  ['gateway', 'admin'],
  ['control'],
  ['commands'],
];

/** Rooms that nothing may weigh down: they import no package. */
const bare = new Set(floors[0]);

const floorOf = (room: string): number => floors.findIndex((rooms) => rooms.includes(room));

interface Place {
  room: string;
  inside: string;
  test: boolean;
}

/** Room and path inside it of a path from the root; src/main.ts counts as part of the commands. */
const placeOf = (path: string): Place | undefined => {
  const [, room = '', inside = ''] = /^src\/(?:([^/]+)\/)?(.+)$/.exec(path) ?? [];
  if (inside === '') return undefined;
  const test = /\.(?:test|fuzz)\.ts$/.test(inside) || /^test(?:ing)?\//.test(inside);
  return { room: room || 'commands', inside, test };
};

/**
 * What is wrong with an import, or undefined. `importer` is the importing file's path from the root, with slashes;
 * `specifier` is the text of the import.
 */
export const judgeImport = (importer: string, specifier: string): string | undefined => {
  const from = placeOf(importer);
  if (from === undefined) return undefined;
  if (floorOf(from.room) === -1)
    return `The room '${from.room}' has no floor: give it one in scripts/lint/floors.ts.`;
  if (!specifier.startsWith('.')) {
    if (from.test || !bare.has(from.room) || specifier.startsWith('node:')) return undefined;
    return `'${from.room}' imports no package: it is the ground floor.`;
  }

  const target = posix.join(posix.dirname(importer), specifier);
  const to = placeOf(target);
  if (to === undefined)
    return from.test ? undefined : `'${target}' is outside src/: the program does not ship it.`;
  if (to.test && !from.test) return `'${target}' belongs to the tests.`;
  if (to.room === from.room) return undefined;
  if (floorOf(to.room) === -1)
    return `The room '${to.room}' has no floor: give it one in scripts/lint/floors.ts.`;
  if (floorOf(to.room) >= floorOf(from.room)) {
    const way = floorOf(to.room) === floorOf(from.room) ? 'sideways' : 'upwards';
    return `'${from.room}' may not import '${to.room}': that goes ${way}. Floors: ${describeFloors()}.`;
  }
  if (to.inside === 'index.ts' || (from.test && to.test)) return undefined;
  return `Import '${to.room}' by its face, src/${to.room}/index.ts, and not its insides.`;
};

const describeFloors = (): string => floors.map((rooms) => rooms.join(', ')).join(' < ');
