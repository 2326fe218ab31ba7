import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findAnvil } from '../../src/commands/anvil.ts';
import { startAnvil } from '../anvil.ts';
import { mainFile, ownEnvironment } from '../program.ts';
import { startRedis } from '../redis/server.ts';
import type { Block } from './markdown.ts';
import type { ScenePorts } from './scene-ports.ts';

/** The nodes and the Redis that a scene's configs speak of and that it does not start itself. */
export async function startServers(
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

/** Where `polymorph` and `anvil` are on the PATH, and what the page takes for granted about ports holds for the real ones. */
export async function environment(folder: string, ports: ScenePorts): Promise<NodeJS.ProcessEnv> {
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
