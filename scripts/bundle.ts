import { copyFileSync, mkdirSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';

/*
 * Writes the program as few JavaScript files into the folder named: Node takes some 0.4 ms for each file that a start reads, and of src/ and
 * its libraries that is 2,000. Nothing is shortened or renamed: stacks stay readable.
 */
const src = join(import.meta.dirname, '../src');
const libraries = join(import.meta.dirname, '../node_modules');
const out = process.argv[2];
if (out === undefined) throw new Error('Usage: node scripts/bundle.ts FOLDER');

/** What begins the process or a thread; each is where its source is. */
const entries = ['main', 'gateway/worker', 'control/store/store-thread', 'store/sqlite/reader-thread'];

/** Libraries of many files each that every start reads. All others stay outside. */
const inside = ['kysely', 'yaml', 'zod'];

const here = /\bimport\.meta\.(url|dirname)\b/g;
const mark = /\bPLACE_OF\("([^"]+)", "(url|dirname)"\)/g;

/** Code that finds files beside itself finds them where its source would be, whichever file it has come to. */
const places: Plugin = {
  name: 'places',
  transform(code, id) {
    if (!id.startsWith(src + sep)) return undefined;
    const place = relative(src, id).split(sep).join('/').replace(/\.ts$/, '.js');
    return code.replace(here, (_, what: string) => `PLACE_OF("${place}", "${what}")`);
  },
  renderChunk(code, { fileName }) {
    const from = posix.dirname(fileName);
    return code.replace(mark, (_, place: string, what: string) =>
      what === 'url'
        ? `new URL("${posix.relative(from, place)}", import.meta.url).href`
        : `(import.meta.dirname + "/${posix.relative(from, posix.dirname(place))}")`,
    );
  },
};

const bundle = await rolldown({
  input: Object.fromEntries(entries.map((entry) => [entry, join(src, `${entry}.ts`)])),
  external: (id) => !id.startsWith('.') && !id.startsWith('/') && !inside.includes(id.split('/')[0]!),
  platform: 'node',
  plugins: [places],
  onLog(level, log) {
    if (level === 'warn') throw new Error(log.message);
  },
});
await bundle.write({
  dir: out,
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
});
await bundle.close();
for (const name of inside) {
  mkdirSync(join(out, 'licenses'), { recursive: true });
  copyFileSync(join(libraries, name, 'LICENSE'), join(out, 'licenses', `${name}.txt`));
}
