import { connect, createServer } from 'node:net';

/**
 * A TCP relay as a process of its own, to be killed: a node that dies and comes back while its chain goes on. Says its
 * port in a line. Its arguments are the port it relays to, and its own.
 */
const [target, own] = process.argv.slice(2).map(Number);
const server = createServer((incoming) => {
  const outgoing = connect(target!, '127.0.0.1');
  for (const [one, other] of [
    [incoming, outgoing],
    [outgoing, incoming],
  ] as const) {
    one.setNoDelay(true);
    one.pipe(other);
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
});
server.listen(own ?? 0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address !== null ? address.port : 0}\n`);
});
