import { expect, it } from 'vitest';
import * as ws from 'ws';
import { textFrameHead } from './frame.ts';

/** Not in the library's types. */
const { Receiver } = ws as unknown as {
  Receiver: new (options: object) => NodeJS.WritableStream;
};

it.each([0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000])(
  'a text of %i bytes is read back by another implementation',
  async (length) => {
    const text = 'x'.repeat(length);
    const receiver = new Receiver({ isServer: false });
    const read = new Promise<string>((resolve, reject) => {
      receiver.on('message', (data: Buffer, isBinary: boolean) =>
        resolve(isBinary ? 'binary' : data.toString('latin1')),
      );
      receiver.on('error', reject);
    });
    receiver.write(Buffer.from(textFrameHead(length) + text, 'latin1'));
    expect(await read).toBe(text);
  },
);

it('writes lengths beyond 32 bits as RFC 6455 says', () => {
  const head = Buffer.from(textFrameHead(2 ** 32 + 5), 'latin1');
  expect([...head]).toEqual([0x81, 127, 0, 0, 0, 1, 0, 0, 0, 5]);
});
