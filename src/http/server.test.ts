import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { startFront } from './testing/front.ts';
it.each([true, false])('count %s', async (sharedReads) => {
  const front = await startFront({ sharedReads });
  for (let k = 0; k < 5; k++) {
    const s = connect(front.port, '127.0.0.1');
    s.end('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi');
    s.resume();
    await new Promise((r) => s.on('close', r));
  }
  await new Promise((r) => setTimeout(r, 100));
  expect(front.seen.length).toBe(5);
  expect(front.stats).toMatchObject({ connections: 0 });
  await front.drain();
});
