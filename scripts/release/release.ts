/**
 * `npm run release -- [FOLDER]`: what is to be published, checked and made, in FOLDER (default: release/). Publishes nothing.
 * CONTRIBUTING.md says what comes before and after.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { incompatible, productionDependencies } from './licences.ts';
import { completed } from './sbom.ts';
import { tarballBytesMax } from './tarball.ts';
import { namedVersions } from './versions.ts';

const root = join(import.meta.dirname, '../..');
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tested: { type: 'boolean', default: false },
    'without-audit': { type: 'boolean', default: false },
  },
});
const folder = resolve(positionals[0] ?? join(root, 'release'));

function stop(reason: string): never {
  console.error(`\nNot released: ${reason}`);
  process.exit(1);
}

function step(name: string): void {
  console.log(`== ${name}`);
}

/** Runs a program in the checkout, its messages shown, and gives what it wrote to standard output. */
function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const done = spawnSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 2 ** 20,
  });
  if (done.status !== 0) stop(`${program} ${args.join(' ')} failed${done.stdout && `:\n${done.stdout}`}`);
  return done.stdout;
}

step('what is released is committed');
const changed = run('git', ['status', '--porcelain']).trim();
if (changed !== '') stop(`these are not committed:\n${changed}`);

if (existsSync(folder) && readdirSync(folder).length > 0) stop(`${folder} is not empty`);

step('one version everywhere');
const { version, named } = namedVersions(root);
const wrong = named.filter((one) => one.version !== version);
if (wrong.length > 0)
  stop(wrong.map((one) => `${one.place} says ${one.version || 'nothing'}, not ${version}`).join('\n'));
if (
  !new RegExp(`^## ${version.replaceAll('.', '\\.')} \\(\\d{4}-\\d\\d-\\d\\d\\)$`, 'm').test(
    readFileSync(join(root, 'CHANGELOG.md'), 'utf8'),
  )
)
  stop(`CHANGELOG.md has no dated part for ${version}`);

step('licences of what is installed with it');
const dependencies = productionDependencies(root);
const foreign = incompatible(dependencies);
if (foreign.length > 0)
  stop(
    foreign.map(({ name, version, licence }) => `${name}@${version}: ${licence ?? 'no licence'}`).join('\n'),
  );

if (!options['without-audit']) {
  step('known vulnerabilities (--without-audit: where the registry answers no audits)');
  // Exits with 1 both for a vulnerability and where the registry gives no answer: its text says which.
  run('npm', ['audit', '--omit=dev']);
}

if (!options.tested) {
  step('npm test (--tested: it passed at this commit)');
  const tested = spawnSync(join(root, 'scripts/test'), {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (tested.status !== 0) stop('npm test failed');
}

step('the tarball');
mkdirSync(folder, { recursive: true });
run('npm', ['pack', '--silent', '--pack-destination', folder]);
const [tarball = ''] = readdirSync(folder);
const bytes = readFileSync(join(folder, tarball)).length;
if (bytes > tarballBytesMax) stop(`${tarball} is of ${bytes} bytes, more than ${tarballBytesMax}`);

step('it runs on Node 22, 24 and 26');
run('node_modules/.bin/vitest', ['run', '--project', 'process', 'test/package.test.ts'], {
  POLYMORPH_TARBALL: join(folder, tarball),
  POLYMORPH_TEST_LONG: '1',
});

step('SBOM and checksums');
writeFileSync(
  join(folder, `polymorph-proxy-${version}.cdx.json`),
  completed(
    run('npm', ['sbom', '--omit=dev', '--sbom-format', 'cyclonedx', '--sbom-type', 'application']),
    'polymorph-proxy',
    dependencies,
  ),
);
const sums = readdirSync(folder)
  .toSorted()
  .map((name) => {
    const digest = createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex');
    return `${digest}  ${name}\n`;
  });
writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''));

console.log(
  `\n${folder}:\n${sums.join('')}${(bytes / 2 ** 20).toFixed(2)} MiB. Nothing was published; CONTRIBUTING.md says how.`,
);
