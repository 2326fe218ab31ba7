import { viewOf } from './words.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * What makes two calls of one network the same: the method, and the params as they were sent but for white space outside
 * strings. The order of members, the case of letters and how numbers are written are left as they are, and no params are
 * not empty params: what a node makes of them is the node's to say.
 *
 * Params come first, as latin1 text: they begin with a bracket and end where it closes, so that no method's name can
 * make one key of two calls. The name is ASCII. [from, to) is well-formed JSON; -1 for `from`: no params.
 */
export function keyOf(method: string, bytes: Buffer, from: number, to: number, seed = 0): string {
  let hash = seed | 0;
  if (from < 0) {
    lastKey.hash = finish(hash ^ 1);
    return `-${method}`;
  }
  const base = bytes.byteOffset;
  hash = hashText(viewOf(bytes), base + from, base + to, hash);
  if (text.maySpace) return withoutSpace(method, bytes, from, to, seed);
  lastKey.hash = finish(hash);
  return bytes.toString('latin1', from, to) + method;
}

/** Side result of {@link hashText}: the text may hold white space; surely none if false. */
const text = { maySpace: false };

/** Four bytes at once, looked at for white space on the way: 0.3 ns a byte. */
function hashText(words: DataView, from: number, to: number, seed: number): number {
  let hash = seed;
  let suspicion = 0;
  let at = from;
  for (; at + 4 <= to; at += 4) {
    const word = words.getInt32(at, true);
    // Its top bits tell bytes below 0x21; those beyond ASCII may be taken for one, too.
    suspicion |= word - 0x21212121;
    hash = mix(hash, word);
  }
  suspicion &= 0x80808080;
  for (; at < to; at++) {
    const byte = words.getUint8(at);
    if (byte <= 0x20) suspicion = 1;
    hash = mix(hash, byte);
  }
  text.maySpace = suspicion !== 0;
  return hash;
}

/**
 * Side result of {@link keyOf}: a small integer made of the params and `seed`, which should be a secret and another for each
 * method. Maps are asked by it: a Map interns every string that it is asked for, 150 characters copied to the old space each
 * time, which took 9 us a call and an eighth of the time for the garbage collector.
 */
export const lastKey = { hash: 0 };

/** What {@link keyOf} begins with for the calls of one method. */
export function seedFor(method: string, seed: number): number {
  let hash = seed | 0;
  for (let at = 0; at < method.length; at++) hash = mix(hash, method.charCodeAt(at));
  return hash;
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/** 30 bits: a small integer to V8. */
function finish(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 13), 0x85ebca6b);
  return (mixed ^ (mixed >>> 16)) & 0x3fff_ffff;
}

let room = Buffer.alloc(4096);

function withoutSpace(method: string, bytes: Buffer, from: number, to: number, seed: number): string {
  if (room.length < to - from) room = Buffer.alloc(to - from);
  let length = 0;
  let inString = false;
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    if (byte <= 0x20 && !inString) continue;
    room[length++] = byte;
    if (byte === QUOTE) inString = !inString;
    else if (byte === BACKSLASH) room[length++] = bytes[++at]!;
  }
  // As above, so that both spellings meet.
  const hash = hashText(viewOf(room), room.byteOffset, room.byteOffset + length, seed | 0);
  lastKey.hash = finish(hash);
  return room.toString('latin1', 0, length) + method;
}
