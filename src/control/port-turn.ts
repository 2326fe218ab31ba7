import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Longer than any start takes; then it goes on without, since the port itself is still claimed. Milliseconds. */
const patienceMs = 20_000;
const lookMs = 25;

/**
 * Lets one instance of a machine at a time go from claiming a port to listening on it. Two that were started in the same
 * moment would otherwise both find the port free and then share it, since workers' listeners may be shared. The turn
 * is a name in Linux's abstract socket space: one holder, and gone with its process. Elsewhere, and for port 0,
 * nobody waits. Resolves with the function that ends the turn.
 */
export async function takePortTurn(
  port: number,
  { platform = process.platform, boundMs = patienceMs }: { platform?: string; boundMs?: number } = {},
): Promise<() => void> {
  if (port === 0 || platform !== 'linux') return () => {};
  const end = performance.now() + boundMs;
  for (;;) {
    const turn = await hold(`\0polymorph-proxy/start/${port}`);
    if (turn !== 'taken') return turn;
    if (performance.now() >= end) return () => {};
    await delay(lookMs);
  }
}

function hold(name: string): Promise<(() => void) | 'taken'> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'EADDRINUSE' ? 'taken' : () => {}),
    );
    server.listen(name, () => {
      server.unref();
      resolve(() => void server.close());
    });
  });
}
