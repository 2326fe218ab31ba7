/**
 * The same latin1 text, for one that is put in front of many: V8 keeps a joined string as a tree of its pieces, which each
 * write then walks again.
 */
export function inOnePiece(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
