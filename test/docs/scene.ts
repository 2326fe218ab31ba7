import { mkdtemp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findAnvil } from '../../src/commands/anvil.ts';
import { startAnvil } from '../anvil.ts';
import { mainFile, ownEnvironment } from '../program.ts';
import { startRedis } from '../redis/server.ts';
import { typedLines } from './commands.ts';
import type { Block, Page } from './markdown.ts';
import { type Bindings, matchPrinted, withBindings } from './printed.ts';
import { openPorts, type ScenePorts } from './scene-ports.ts';
import { openTerminal, type Terminal } from './terminal.ts';

/** A section of a page with its files and what is typed in it. */
export interface Scene {
  /** `page: section` */
  name: string;
  blocks: readonly Block[];
}

const isTranscript = ({ kind, options }: Block): boolean => kind === 'console' && !options.has('not-run');
const isStart = ({ text }: Block): boolean => /^\$ (?:\w+=\S+ )*polymorph start\b/.test(text);

/** All sections with transcripts that can be run. */
export function scenesOf(pages: readonly Page[]): Scene[] {
  return pages.flatMap(({ path, blocks }) =>
    [...new Set(blocks.filter(isTranscript).map(({ section }) => section))].map((section) => ({
      name: `${path}: ${section}`,
      blocks: blocks.filter((block) => block.section === section),
    })),
  );
}

/** Plays a scene from an empty folder on, and gives what was printed otherwise than its page shows. */
export async function playScene({ blocks }: Scene): Promise<string[]> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'polymorph-scene-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const ports = await openPorts(blocks.map(({ text }) => text).join('\n'), [8540, 9540]);
  const files = blocks.filter(({ options }) => options.has('file'));
  for (const { options, text } of files) {
    const file = join(folder, options.get('file') ?? '');
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, ports.real(text));
  }
  await startServers(blocks, ports, stack);
  const env = await environment(folder, ports);
  const open = (): Terminal => {
    const terminal = openTerminal(folder, env);
    stack.defer(() => terminal.close());
    return terminal;
  };
  const transcripts = blocks.filter(isTranscript);
  const hasConfig = files.some(({ options }) => options.get('file') === 'polymorph.yaml');
  if (hasConfig && !transcripts.some(isStart)) await start(open(), 'polymorph start', blocks, ports);

  const faults: string[] = [];
  const started: { block: Block; terminal: Terminal }[] = [];
  let bindings: Bindings = new Map();
  let typist: Terminal | undefined;
  for (const block of transcripts) {
    if (isStart(block)) {
      const terminal = open();
      started.push({ block, terminal });
      await start(terminal, typedLines(block.text)[0]!, blocks, ports);
      continue;
    }
    typist ??= open();
    for (const { line, typed, shown } of exchanges(block)) {
      const { output, done } = await typist.type(ports.real(withBindings(typed, bindings)));
      const printed = ports.shown(output);
      if (!done) return [...faults, `line ${line}: $ ${typed}\n--- does not end; it printed\n${printed}`];
      const found = matchPrinted(shown, printed, bindings);
      if (found === undefined) faults.push(difference(line, typed, shown, printed));
      else bindings = found;
    }
  }
  for (const { block, terminal } of started) {
    const [{ line, typed, shown }] = exchanges(block) as [Exchange];
    const fits = (): boolean => matchPrinted(shown, ports.shown(terminal.output()), bindings) !== undefined;
    // The main thread may say later what workers already do.
    await until(fits, 10_000);
    if (!fits()) faults.push(difference(line, typed, shown, ports.shown(terminal.output())));
  }
  return faults;
}

function difference(line: number, typed: string, shown: string, printed: string): string {
  return `line ${line}: $ ${typed}\n--- the page shows\n${shown}\n--- printed was\n${printed}`;
}

interface Exchange {
  /** Of the page. */
  line: number;
  typed: string;
  shown: string;
}

function exchanges({ line, text }: Block): Exchange[] {
  const typed = typedLines(text);
  const pieces = text.split(/^\$ /m).slice(1);
  let at = line + 1;
  return pieces.map((piece, index) => {
    const exchange = { line: at, typed: typed[index]!, shown: piece.slice(typed[index]!.length + 1) };
    at += piece.split('\n').length - 1;
    return exchange;
  });
}

/** The nodes and the Redis that a scene's configs speak of and that it does not start itself. */
async function startServers(
  blocks: readonly Block[],
  ports: ScenePorts,
  stack: AsyncDisposableStack,
): Promise<void> {
  const text = blocks.map((block) => block.text).join('\n');
  if (/127\.0\.0\.1:8545/.test(text) && !/^\$ anvil .*--port 8545/m.test(text)) {
    const anvil = await startAnvil(['--port', ports.real('8545')]);
    stack.defer(() => anvil.stop());
  }
  if (/127\.0\.0\.1:6379/.test(text)) stack.use(await startRedis({ port: Number(ports.real('6379')) }));
}

/** Types it and waits until it answers where it listens. */
async function start(
  terminal: Terminal,
  typed: string,
  blocks: readonly Block[],
  ports: ScenePorts,
): Promise<void> {
  const [, named = 'polymorph.yaml'] = /--config (\S+)/.exec(typed) ?? [];
  const config = blocks.find(({ options }) => options.get('file') === named)?.text ?? '';
  const [, inConfig] = /^server:(?:\n +.*| *\{.*)*?\blisten: \S+?:(\d+)/m.exec(config) ?? [];
  const [, port = inConfig ?? '8540'] = /--listen \S+:(\d+)/.exec(typed) ?? [];
  terminal.begin(ports.real(typed));
  const served = await until(() => answers(`http://127.0.0.1:${ports.real(port)}/healthz`), 60_000);
  if (!served) throw new Error(`${typed} does not serve:\n${terminal.output()}`);
}

/** Looks every 20 ms; false where it did not come to be in time. */
async function until(holds: () => boolean | Promise<boolean>, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

/** Where `polymorph` and `anvil` are on the PATH, and what the page takes for granted about ports holds for the real ones. */
async function environment(folder: string, ports: ScenePorts): Promise<NodeJS.ProcessEnv> {
  const bin = join(folder, '.bin');
  await mkdir(bin);
  await writeFile(join(bin, 'polymorph'), program, { mode: 0o755 });
  await symlink(process.execPath, join(bin, 'node'));
  const anvil = findAnvil();
  if (anvil !== undefined) await symlink(anvil, join(bin, 'anvil'));
  const own = ownEnvironment();
  return {
    ...{ ...own, PATH: `${bin}:${own['PATH']}`, HOME: folder, LC_ALL: 'C.UTF-8', MAIN: mainFile },
    ...{ CALLS: ports.real('127.0.0.1:8540'), OPERATORS: ports.real('127.0.0.1:9540') },
  };
}

/** One worker, since the machine may have any number of cores; what goes to a screen is written as on one. */
const program = `#!/bin/bash
has() { [[ " \${words[*]} " == *" $1"* ]]; }
words=("$@")
config=polymorph.yaml
for ((i = 0; i < $#; i++)); do [[ \${words[i]} != --config ]] || config=\${words[i + 1]}; done
listens() { grep -qs "listen: [^ ]*:$1" "$config"; }
case $1 in
  start)
    has --listen || listens "\${CALLS#*:}" || words+=(--listen "$CALLS")
    has --admin-listen || listens "\${OPERATORS#*:}" || words+=(--admin-listen "$OPERATORS")
    has --workers || grep -qs workers: "$config" || words+=(--workers 1)
    [ -f /dev/stdout ] || has --log-format || words+=(--log-format pretty) ;;
  explain | top) has --admin || words+=(--admin "http://$OPERATORS") ;;
esac
exec node "$MAIN" "\${words[@]}"
`;
