import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { matchRoute } from '../../src/admin/router.ts';
import { adminRoutes } from '../../src/admin/routes/index.ts';
import { commands } from '../../src/commands/index.ts';
import { judgePolymorph } from './command-line.ts';
import { root } from './markdown.ts';
import { simpleCommands } from './shell-words.ts';

/**
 * Programs that commands in our pages call and that are not called here, each with the reason. Their lines are looked at by
 * `bash -n` alone, and for a `polymorph` that they run elsewhere (`docker exec … polymorph top`).
 */
const elsewhere: Readonly<Record<string, string>> = {
  systemctl: 'needs a booted system; test/deploy/systemd.test.ts runs the unit in one',
  docker: 'needs a daemon; test/deploy builds and runs the image and the Compose file without one',
  kubectl: 'needs a cluster; test/deploy/chart.test.ts looks at what the chart makes',
  helm: 'the same; the chart and these values are rendered by test/deploy/chart.test.ts',
  install: 'writes to /etc',
  cast: 'of Foundry, which is not a dependency; it asks a gateway of the reader’s',
  anvil: 'asks a gateway of the reader’s there; in transcripts it is run',
  openssl: 'makes a secret, another each time',
  cp: 'pages whose tests run them copy files; elsewhere it writes to /etc',
  rm: 'run by the tests of pages that are run wholly',
  sqlite3: 'run by src/commands/simulate/page.test.ts where it is installed',
  psql: 'the same, with a real PostgreSQL',
};

/** Transcripts that cannot be run here, by the word in `console not-run=WORD`. */
const notRun: Readonly<Record<string, string>> = {
  wagmi: 'is no dependency of ours, and wants React; viem, which it calls by, is tested',
  hardhat: 'is no dependency of ours; it calls by ethers or viem, which are tested',
};

/** Of the shell itself, or of every system. */
const ordinary = new Set(
  '. cd echo export printf set read kill wait sleep for in test [ true cat grep head tail sed cut sort wc tr mv mkdir seq'.split(
    ' ',
  ),
);

const scripts = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }).scripts;
const npmOwn = new Set(['install', 'ci', 'pack', 'view', 'root', 'uninstall', 'update', '--version']);

/** What is wrong with a shell text that is not run: each fault in words. */
export async function judgeShell(text: string): Promise<string[]> {
  const { status, stderr } = spawnSync('bash', ['-n'], { input: text });
  if (status !== 0) return [stderr.toString().trim()];
  const faults = await Promise.all(simpleCommands(text).map(judgeCommand));
  return faults.flatMap((fault) => fault ?? []);
}

async function judgeCommand(words: readonly string[]): Promise<string | undefined> {
  const [program = '', ...args] = words;
  const fault = await judgeCall(program, args);
  return fault === undefined ? undefined : `${words.join(' ')}: ${fault}`;
}

async function judgeCall(program: string, args: readonly string[]): Promise<string | undefined> {
  if (program === 'polymorph' || program === 'bin/polymorph') return judgePolymorph(args);
  if (program === 'npx') return judgeNpx(args);
  if (program === 'npm') return judgeNpm(args);
  if (program === 'curl') return judgeCurl(args);
  if (program === 'node' || program === 'exec') return undefined;
  if (ordinary.has(program)) return undefined;
  if (Object.hasOwn(elsewhere, program)) {
    const inner = args.findIndex(
      (word, at) => word === 'polymorph' && commands.some(({ name }) => name === args[at + 1]),
    );
    return inner === -1 ? undefined : judgePolymorph(args.slice(inner + 1));
  }
  if (/^(?:scripts|bin|bench|\.)\//.test(program))
    return existsSync(join(root, program)) ? undefined : 'there is no such file';
  return `no rule for ${program}: name it in test/docs/commands.ts, with the reason why it is not run`;
}

function judgeNpx(args: readonly string[]): Promise<string | undefined> | undefined {
  const at = args.findIndex((word) => !word.startsWith('-'));
  const name = (args[at] ?? '').replace(/(?<=.)@.*$/, '');
  return name === 'polymorph-proxy' || name === 'polymorph' ? judgePolymorph(args.slice(at + 1)) : undefined;
}

function judgeNpm(args: readonly string[]): Promise<string | undefined> | string | undefined {
  const [verb = '', ...rest] = args.filter((word) => word !== '--silent');
  const own = rest.includes('--') ? rest.slice(rest.indexOf('--') + 1) : [];
  if (verb === 'start') return judgePolymorph(['start', ...own]);
  if (verb === 'test' || npmOwn.has(verb)) return undefined;
  if (verb !== 'run') return `npm has no ${verb} that we use`;
  return Object.hasOwn(scripts, rest[0] ?? '') ? undefined : `package.json has no script ${rest[0] ?? ''}`;
}

function judgeCurl(args: readonly string[]): string | undefined {
  const method = args[args.findIndex((word) => word === '-X' || word === '--request') + 1] ?? '';
  const at = args.findIndex((word) => /^(?:-d|--data|--data-raw|--json)$/.test(word));
  const body = at === -1 ? undefined : (args[at + 1] ?? '');
  if (body?.startsWith('@') === false && !body.includes('$')) {
    try {
      JSON.parse(body);
    } catch (error) {
      return `its body is no JSON: ${(error as Error).message}`;
    }
  }
  for (const word of args) {
    const [, path = ''] = /^(?:http:\/\/)?(?:127\.0\.0\.1|localhost):95\d\d(\/[^?$]*)/.exec(word) ?? [];
    if (path === '') continue;
    const verb = /^(?:GET|POST|PUT|PATCH|DELETE)$/.test(method)
      ? method
      : body === undefined
        ? 'GET'
        : 'POST';
    try {
      matchRoute(adminRoutes, verb, path);
    } catch (error) {
      return (error as Error).message;
    }
  }
  return undefined;
}

/** The `$` lines of a transcript, with the lines they go on in. */
export function typedLines(transcript: string): string[] {
  return [...transcript.matchAll(/^\$ ((?:.*\\\n)*.*)$/gm)].map(([, line = '']) => line);
}

/** Why a transcript is not run, or undefined where nobody said. */
export function reasonNotRun(word: string): string | undefined {
  return Object.hasOwn(notRun, word) ? notRun[word] : undefined;
}
