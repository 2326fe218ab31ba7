import { randomBytes } from 'node:crypto';

/** A frame as RFC 6455, 5.2 lays it out. */
export interface Frame {
  fin: boolean;
  /** The three reserved bits, the first of them the highest: 4, 2, 1. */
  reserved: number;
  opcode: number;
  masked: boolean;
  payload: Buffer;
}

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The bytes of a frame as a client sends it; `over` breaks the rules. */
export function frame(
  opcode: number,
  payload: string | Buffer = '',
  over: Partial<Frame> & { announced?: bigint } = {},
): Buffer {
  const { fin = true, reserved = 0, masked = true } = over;
  const body = Buffer.from(payload);
  const length = over.announced ?? BigInt(body.length);
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const maskBit = masked ? 0x80 : 0;
  const parts = [Buffer.of(first, maskBit | (length < 126n ? Number(length) : length < 65_536n ? 126 : 127))];
  const long = Buffer.alloc(8);
  long.writeBigUInt64BE(length);
  if (length >= 65_536n) parts.push(long);
  else if (length >= 126n) parts.push(long.subarray(6));
  if (!masked) return Buffer.concat([...parts, body]);
  const mask = randomBytes(4);
  return Buffer.concat([...parts, mask, body.map((byte, at) => byte ^ mask[at % 4]!)]);
}

/** A message in frames of these payloads. */
export function fragments(opcode: number, payloads: readonly (string | Buffer)[]): Buffer[] {
  return payloads.map((payload, at) =>
    frame(at === 0 ? opcode : opcodes.continuation, payload, { fin: at === payloads.length - 1 }),
  );
}

/** A close frame. @param code undefined: without a payload */
export function closeFrame(code?: number, reason: string | Buffer = ''): Buffer {
  if (code === undefined) return frame(opcodes.close);
  return frame(opcodes.close, Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason)]));
}

/** The code of a close frame; 1005 where it has none. */
export function codeOf({ payload }: Frame): number {
  return payload.length === 0 ? 1005 : payload.readUInt16BE();
}

/** Takes the frames off the bytes that came, and gives back what is left. */
export function takeFrames(bytes: Buffer, found: (frame: Frame) => void): Buffer {
  let rest = bytes;
  for (;;) {
    if (rest.length < 2) return rest;
    const short = rest[1]! & 0x7f;
    const head = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (rest.length < head) return rest;
    const length =
      short === 127 ? Number(rest.readBigUInt64BE(2)) : short === 126 ? rest.readUInt16BE(2) : short;
    if (rest.length < head + length) return rest;
    found({
      fin: rest[0]! >= 0x80,
      reserved: (rest[0]! >> 4) & 7,
      opcode: rest[0]! & 15,
      masked: rest[1]! >= 0x80,
      payload: rest.subarray(head, head + length),
    });
    rest = rest.subarray(head + length);
  }
}
