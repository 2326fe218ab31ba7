import { once } from 'node:events';
import { createServer } from 'node:net';

/** Ports that our pages use: of the gateway, its operators, nodes, Redis, receivers of webhooks, Prometheus. */
const documented = /(?<![\d.])(?:85[4-5]\d|95[4-5]\d|6379|900\d|9090)(?![\d.])/g;

export interface ScenePorts {
  /** The real ports in place of those of the page; on loopback, whatever the page says. */
  real(text: string): string;
  /** The page's ports in place of the real ones. */
  shown(text: string): string;
}

/** For each port that a text names, and for `always`, a free one. */
export async function openPorts(text: string, always: readonly number[]): Promise<ScenePorts> {
  const names = new Set([...always.map(String), ...(text.match(documented) ?? [])]);
  const realOf = new Map<string, string>();
  for (const name of names) realOf.set(name, String(await freePort([...realOf.values()])));
  const shownOf = new Map([...realOf].map(([name, real]) => [real, name]));
  return {
    real: (page) =>
      page.replaceAll('0.0.0.0:', '127.0.0.1:').replaceAll(documented, (port) => realOf.get(port) ?? port),
    shown: (printed) => printed.replaceAll(/\d{5}/g, (port) => shownOf.get(port) ?? port),
  };
}

/** Not one of those that the system gives to whoever asks for any, which others may be given in the meantime. */
async function freePort(taken: readonly string[]): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    if (taken.includes(String(port))) continue;
    const server = createServer();
    server.listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
