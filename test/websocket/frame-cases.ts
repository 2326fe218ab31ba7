import { callText } from '../../src/gateway/testing/client.ts';
import { closeFrame, fragments, frame, opcodes } from './frames.ts';

const { continuation, text, binary, close, ping, pong } = opcodes;
/** As the program under test is configured. */
export const maxBodyBytes = 4096;
/** Of which a message may be made. */
const fragmentsMax = 128;

export const call = (nonce: string): string => callText('eth_call', '1', `["${nonce}"]`);
export const answerOf = (nonce: string): string => `{"jsonrpc":"2.0","id":1,"result":"${nonce}"}`;
/** Each character of `message` in a frame of its own. */
const singly = (message: string): Buffer[] => fragments(text, message.split(''));
const cut = (message: string, count: number): string[] =>
  Array.from({ length: count }, (_, k) =>
    message.slice((message.length * k) / count, (message.length * (k + 1)) / count),
  );
/** A call that is so long as a whole message. */
export const callOf = (length: number): string => call('x'.repeat(length - call('').length));

/** What a client sends, and the code it is closed with. */
export const faults: [string, number, Buffer[]][] = [
  ['an unmasked text', 1002, [frame(text, call('a'), { masked: false })]],
  ['an unmasked ping', 1002, [frame(ping, '', { masked: false })]],
  ['an unmasked close', 1002, [frame(close, '', { masked: false })]],
  ...[4, 2, 1, 7].map((reserved): [string, number, Buffer[]] => [
    `reserved bits ${reserved.toString(2)}`,
    1002,
    [frame(text, call('a'), { reserved })],
  ]),
  ['a reserved bit in a ping', 1002, [frame(ping, '', { reserved: 4 })]],
  [
    'a reserved bit in a continuation',
    1002,
    [frame(text, 'a', { fin: false }), frame(continuation, 'b', { reserved: 4 })],
  ],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, number, Buffer[]] => [
    `the reserved opcode ${opcode}`,
    1002,
    [frame(opcode, call('a'))],
  ]),
  ...[close, ping, pong].map((opcode): [string, number, Buffer[]] => [
    `a fragmented control frame ${opcode}`,
    1002,
    [frame(opcode, '', { fin: false }), frame(continuation)],
  ]),
  ...[close, ping, pong].map((opcode): [string, number, Buffer[]] => [
    `a control frame ${opcode} of 126 bytes`,
    1002,
    [frame(opcode, Buffer.concat([Buffer.of(0x03, 0xe8), Buffer.alloc(124, 'x')]))],
  ]),
  ['a continuation of nothing', 1002, [frame(continuation, call('a'))]],
  [
    'a continuation after a whole message',
    1002,
    [frame(text, callText('m', undefined)), frame(continuation)],
  ],
  ['a text inside a fragmented message', 1002, [frame(text, '{', { fin: false }), frame(text, call('a'))]],
  [
    'a binary inside a fragmented message',
    1002,
    [frame(text, '{', { fin: false }), frame(binary, call('a'))],
  ],
  ['a length beyond 2^53', 1009, [frame(text, 'x', { announced: 2n ** 63n - 1n })]],
  ['a length beyond 2^63', 1009, [frame(text, 'x', { announced: 2n ** 64n - 1n })]],
  ['a message too long by a byte', 1009, [frame(text, callOf(maxBodyBytes + 1))]],
  ['a message too long, of which only the head is sent', 1009, [frame(binary, '', { announced: 4097n })]],
  ['a message too long over its fragments', 1009, fragments(text, cut(callOf(maxBodyBytes + 1), 9))],
  [
    'a message that only its last fragment makes too long',
    1009,
    [frame(text, callOf(maxBodyBytes), { fin: false }), frame(continuation, ' ')],
  ],
  ['a message in too many fragments', 1008, fragments(text, cut(callOf(2000), fragmentsMax + 1))],
  [
    'fragments without a byte, without end',
    1008,
    [
      frame(text, '', { fin: false }),
      ...Array.from({ length: 10 * fragmentsMax }, () => frame(continuation, '', { fin: false })),
    ],
  ],
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map((code): [string, number, Buffer[]] => [
    `a close with the code ${code}`,
    1002,
    [closeFrame(code)],
  ]),
  ['a close with one byte', 1002, [frame(close, Buffer.of(3))]],
  ['a close whose reason is no UTF-8', 1007, [closeFrame(1000, Buffer.of(0xc3))]],
];

/** Not UTF-8, each for a reason of its own (RFC 3629). */
const noUtf8: [string, number[]][] = [
  ['a byte that is never used', [0xff]],
  ['a continuation byte alone', [0x80]],
  ['a sequence cut short', [0xe2, 0x82]],
  ['an overlong slash', [0xc0, 0xaf]],
  ['half a surrogate pair', [0xed, 0xa0, 0x80]],
  ['beyond the last code point', [0xf4, 0x90, 0x80, 0x80]],
];
for (const [what, bytes] of noUtf8) {
  const message = Buffer.concat([Buffer.from('{"id":"'), Buffer.from(bytes), Buffer.from('"}')]);
  const pieces = [...message].map((byte) => Buffer.of(byte));
  faults.push([`text with ${what}`, 1007, [frame(text, message)]]);
  faults.push([`text with ${what}, over fragments`, 1007, fragments(text, pieces)]);
}

/** What a client sends, and what it is sent. */
export const served: [string, Buffer[], string[]][] = [
  ['a text', [frame(text, call('a'))], [`1 ${answerOf('a')}`]],
  ['a binary', [frame(binary, call('b'))], [`1 ${answerOf('b')}`]],
  ['a text of 126 bytes', [frame(text, callOf(126))], [`1 ${answerOf('x'.repeat(126 - call('').length))}`]],
  [
    'the longest message',
    [frame(text, callOf(maxBodyBytes))],
    [`1 ${answerOf('x'.repeat(maxBodyBytes - call('').length))}`],
  ],
  ['a message in one-byte fragments', singly(call('c')), [`1 ${answerOf('c')}`]],
  [
    'a message in as many fragments as it may',
    fragments(text, cut(callOf(2000), fragmentsMax)),
    [`1 ${answerOf('x'.repeat(2000 - call('').length))}`],
  ],
  ['fragments without a byte', fragments(text, ['', call('d'), '']), [`1 ${answerOf('d')}`]],
  ['a character in two fragments', fragments(text, splitAt(call('é'), 'é')), [`1 ${latin1(answerOf('é'))}`]],
  ['a ping', [frame(ping, 'p')], ['10 p']],
  ['a ping without a payload', [frame(ping)], ['10 ']],
  ['the longest ping', [frame(ping, Buffer.alloc(125, 0xff))], [`10 ${'\xff'.repeat(125)}`]],
  ['an unasked pong', [frame(pong, 'p'), frame(ping, 'q')], ['10 q']],
  [
    'pings inside a fragmented message',
    [
      frame(text, call('e').slice(0, 9), { fin: false }),
      frame(ping, 'one'),
      frame(continuation, call('e').slice(9, 20), { fin: false }),
      frame(ping, 'two'),
      frame(continuation, call('e').slice(20)),
    ],
    ['10 one', '10 two', `1 ${answerOf('e')}`],
  ],
  ['no JSON in a binary', [frame(binary, Buffer.of(0xff))], ['1 -32700']],
  ['an empty message', [frame(text)], ['1 -32700']],
];

export function splitAt(message: string, character: string): Buffer[] {
  const bytes = Buffer.from(message);
  const at = bytes.indexOf(character) + 1;
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

export function latin1(message: string): string {
  return Buffer.from(message).toString('latin1');
}
