/** The memory of the last buffer looked at: a worker reads nearly all requests into one. */
let memory: ArrayBufferLike | undefined;
let view: DataView;

/** Larger ones are not remembered, or one of them would be kept for as long as none comes after it. */
const REMEMBERED_MAX = 1 << 20;

/** A view of a buffer's whole memory, to read four bytes at once: they begin at `bytes.byteOffset`. */
export function viewOf(bytes: Buffer): DataView {
  const { buffer } = bytes;
  if (buffer === memory) return view;
  const found = new DataView(buffer);
  if (buffer.byteLength > REMEMBERED_MAX) return found;
  memory = buffer;
  view = found;
  return found;
}

/** Is one of a word's bytes a quote or a backslash? Others beyond ASCII may be taken for one, none is missed. */
export function mayEndText(word: number): boolean {
  const quote = (word ^ 0x22222222) - 0x01010101;
  const backslash = (word ^ 0x5c5c5c5c) - 0x01010101;
  return ((word | quote | backslash) & 0x80808080) !== 0;
}
