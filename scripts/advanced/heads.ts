/**
 * Subscribes to `newHeads` at the WebSocket of argv[2] for test_advanced.sh, and ends with 0 after argv[3] blocks, each the child
 * of the one before; with 1 where one is not, the socket closes, or argv[4] seconds have passed. Prints `subscribed`, then a line a block.
 */
const [, , url, blocks = '3', seconds = '10'] = process.argv;
if (url === undefined) throw new Error('usage: heads URL [BLOCKS] [SECONDS]');

interface Message {
  id?: number;
  error?: { message: string };
  params?: { result: { number: string; hash: string; parentHash: string } };
}

const end = (code: number, why: string): void => {
  console.log(why);
  process.exit(code);
};
setTimeout(() => end(1, `no ${blocks} blocks within ${seconds} s`), Number(seconds) * 1000);

let [seen, parent] = [0, ''];
const socket = new WebSocket(url);
socket.onopen = () => socket.send('{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}');
socket.onclose = ({ code }) => end(1, `the socket was closed with ${code}`);
socket.onerror = () => end(1, `no WebSocket at ${url}`);
socket.onmessage = ({ data }) => {
  const { id, error, params } = JSON.parse(String(data)) as Message;
  if (error !== undefined) end(1, `refused: ${error.message}`);
  if (id === 1) console.log('subscribed');
  if (params === undefined) return;
  const { number, hash, parentHash } = params.result;
  if (parent !== '' && parentHash !== parent) end(1, `block ${Number(number)} is no child of the one before`);
  parent = hash;
  seen += 1;
  console.log(`block ${Number(number)} ${hash}`);
  if (seen === Number(blocks)) end(0, 'all in a row');
};
