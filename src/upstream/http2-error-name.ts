/** By code (RFC 9113, 7). */
const names = new Map<number, string>(
  [
    'NO_ERROR',
    'PROTOCOL_ERROR',
    'INTERNAL_ERROR',
    'FLOW_CONTROL_ERROR',
    'SETTINGS_TIMEOUT',
    'STREAM_CLOSED',
    'FRAME_SIZE_ERROR',
    'REFUSED_STREAM',
    'CANCEL',
    'COMPRESSION_ERROR',
    'CONNECT_ERROR',
    'ENHANCE_YOUR_CALM',
    'INADEQUATE_SECURITY',
    'HTTP_1_1_REQUIRED',
  ].map((name, code) => [code, name]),
);

/** `REFUSED_STREAM` and the like; the number of one that is not known. */
export function http2ErrorName(code: number): string {
  return names.get(code) ?? String(code);
}
