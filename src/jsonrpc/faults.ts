/**
 * What a scan can find wrong, as small integers so that a scan allocates nothing. Below
 * {@link FAULT_DEPTH} the text is not JSON (`parse_error`), from there on it is JSON but no valid
 * request (`invalid_request`).
 */
export const FAULT_NONE = 0;
/** The text ends before its value does. */
export const FAULT_END = 1;
export const FAULT_VALUE = 2;
export const FAULT_NAME = 3;
export const FAULT_COLON = 4;
export const FAULT_COMMA = 5;
export const FAULT_NUMBER = 6;
export const FAULT_ESCAPE = 7;
export const FAULT_CONTROL = 8;
/** Something other than white space follows the value. */
export const FAULT_TRAILING = 9;
export const FAULT_UTF8 = 10;
/** Nested deeper than the bound; the rest of the text has not been looked at. */
export const FAULT_DEPTH = 20;
/** Neither an object nor a batch, or a batch's item that is not an object. */
export const FAULT_NOT_A_CALL = 21;
export const FAULT_DUPLICATE = 22;
/** A member of the envelope in another case or with escapes in its name. */
export const FAULT_SPELLING = 23;
export const FAULT_VERSION = 24;
export const FAULT_VERSION_MISSING = 25;
export const FAULT_ID = 26;
export const FAULT_METHOD = 27;
export const FAULT_METHOD_MISSING = 28;
export const FAULT_PARAMS = 29;
export const FAULT_BATCH_EMPTY = 30;
export const FAULT_BATCH_SIZE = 31;
