import { callText } from '../../src/gateway/testing/client.ts';
import { inParallel, open } from '../framing/connection.ts';
import { frame, opcodes } from './frames.ts';
import { upgradeRequest } from './raw-socket.ts';

/*
 * Very many that listen to heads, as a process of its own. Its arguments are the port, how many sockets, and how many heads
 * each is to get. Says `ready` once all have subscribed, and `done` once all have all of them.
 */

const [port, sockets, heads] = process.argv.slice(2).map(Number) as [number, number, number];
const subscribe = frame(opcodes.text, callText('eth_subscribe', '1', '["newHeads"]'));
const mark = Buffer.from('"method":"eth_subscription"');
let missing = sockets;

/** Counts heads; one whose mark was cut in two by packets is found with the next. */
function count(rest: Buffer): { found: number; rest: Buffer } {
  let found = 0;
  let at = 0;
  for (let next = rest.indexOf(mark); next >= 0; next = rest.indexOf(mark, at)) {
    found++;
    at = next + mark.length;
  }
  return { found, rest: rest.subarray(Math.max(at, rest.length - mark.length + 1)) };
}

await inParallel([...Array(sockets).keys()], 50, async () => {
  const socket = await open({ port });
  socket.write(Buffer.concat([upgradeRequest('/crowd'), subscribe]));
  let rest: Buffer = Buffer.alloc(0);
  let got = 0;
  await new Promise<void>((resolve) => {
    socket.on('data', (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes]);
      if (got === 0 && rest.includes('"result":"0x')) resolve();
      const counted = count(rest);
      rest = counted.rest;
      const before = got;
      got += counted.found;
      if (got >= heads && before < heads && --missing === 0) process.stdout.write('done\n');
    });
  });
});
process.stdout.write('ready\n');
