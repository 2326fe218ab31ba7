/**
 * The bytes that structure a JSON text. As one object, like `grammar`, since a hot loop that takes
 * them into its own module's constants gets them folded into its code; an imported binding is read
 * from memory at each use.
 */
export const ascii = {
  QUOTE: 0x22,
  COMMA: 0x2c,
  COLON: 0x3a,
  BACKSLASH: 0x5c,
  ARRAY_OPEN: 0x5b,
  ARRAY_CLOSE: 0x5d,
  OBJECT_OPEN: 0x7b,
  OBJECT_CLOSE: 0x7d,
} as const;

/** Value + 1 of a hexadecimal digit, 0 for other bytes. */
export const hexDigits = new Uint8Array(256);
for (const [index, digit] of Array.from('0123456789abcdef').entries()) {
  hexDigits[digit.charCodeAt(0)] = index + 1;
  hexDigits[digit.toUpperCase().charCodeAt(0)] = index + 1;
}
