/**
 * The head of one text frame, whole and unmasked as servers send them, as latin1 text: it goes out in one write with the
 * text behind it. `length` in bytes. Source: RFC 6455, 5.2.
 */
export function textFrameHead(length: number): string {
  if (length < 126) return String.fromCharCode(TEXT_FINAL, length);
  if (length < 0x10000) return String.fromCharCode(TEXT_FINAL, 126, length >>> 8, length & 0xff);
  const high = Math.floor(length / 2 ** 32);
  return String.fromCharCode(
    TEXT_FINAL,
    127,
    ...[high, length].flatMap((word) => [
      (word >>> 24) & 0xff,
      (word >>> 16) & 0xff,
      (word >>> 8) & 0xff,
      word & 0xff,
    ]),
  );
}

/** FIN and opcode 1. */
const TEXT_FINAL = 0x81;
