import { open } from '../framing/connection.ts';

/**
 * Makes calls one after another over one connection and measures how long each takes, in milliseconds. Rejects where one
 * is refused.
 */
export async function timedCalls(port: number, calls: number): Promise<{ p50: number; p99: number }> {
  const socket = await open({ port });
  const times: number[] = [];
  for (let k = 0; k < calls; k++) {
    const body = `{"jsonrpc":"2.0","id":${k},"method":"eth_call","params":["timed-${k}"]}`;
    const from = performance.now();
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    let text = '';
    while (!text.includes(`"result":"timed-${k}"`)) {
      text += await new Promise<string>((resolve, reject) => {
        socket.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1')));
        socket.once('close', () => reject(new Error(`closed after ${text}`)));
      });
      socket.removeAllListeners('close');
      if (text.includes('"error":')) throw new Error(`refused: ${text}`);
    }
    times.push(performance.now() - from);
  }
  socket.destroy();
  times.sort((one, other) => one - other);
  const at = (share: number): number => times[Math.floor(times.length * share)]!;
  return { p50: at(0.5), p99: at(0.99) };
}
