/** Why we close a socket: the close frame's code, its reason for the client, and the label it is counted by. */
export interface CloseCause {
  readonly code: number;
  readonly reason: string;
  readonly label: CloseLabel;
}

/** `client`: it closed, or went away. */
export type CloseLabel =
  | 'client'
  | 'restart'
  | 'abuse'
  | 'quota'
  | 'slow'
  | 'key_gone'
  | 'banned'
  | 'network_gone'
  | 'subscription_lost'
  | 'protocol'
  | 'silent'
  | 'unmetered'
  | 'internal_error';

const cause = (code: number, reason: string, label: CloseLabel): CloseCause => ({ code, reason, label });

/** Every close of ours. Sources: RFC 6455, 7.4.1; 1012 to 1014 of the IANA registry; 4000 and up are free. */
export const closeCauses = {
  restart: cause(1001, 'service restart', 'restart'),
  refusals: cause(1008, 'too many calls over the limit', 'abuse'),
  controls: cause(1008, 'too many pings or pongs', 'abuse'),
  tooMuch: cause(1008, 'too many messages at once', 'abuse'),
  unfinished: cause(1008, 'message not whole in time', 'protocol'),
  quota: cause(1008, 'quota used up', 'quota'),
  tooLarge: cause(1009, 'message too large', 'protocol'),
  slow: cause(1013, 'reading too slowly', 'slow'),
  unmetered: cause(1013, 'usage cannot be recorded', 'unmetered'),
  lost: cause(1011, 'subscription lost', 'subscription_lost'),
  fault: cause(1011, 'internal error', 'internal_error'),
  keyGone: cause(4401, 'key no longer valid', 'key_gone'),
  keyNeeded: cause(4401, 'a key is needed now', 'key_gone'),
  banned: cause(4403, 'address refused', 'banned'),
  networkGone: cause(4404, 'network no longer served', 'network_gone'),
  /** No close frame can reach it. */
  silent: cause(1006, 'no sign of life', 'silent'),
} as const;

/** A close frame has room for 123 bytes of reason (RFC 6455, 5.5). */
const REASON_BYTES_MAX = 123;

/** The cause, and why it is so: as much of it as there is room for. */
export function withReason(cause: CloseCause, why: string): CloseCause {
  let reason = `${cause.reason}: ${why}`;
  while (Buffer.byteLength(reason) > REASON_BYTES_MAX) reason = reason.slice(0, -1);
  return { ...cause, reason: reason.toWellFormed() };
}

/** Of the library's errors, the close code it answers with. */
export const faultCodes: Readonly<Record<string, number>> = {
  WS_ERR_EXPECTED_FIN: 1002,
  WS_ERR_EXPECTED_MASK: 1002,
  WS_ERR_INVALID_CLOSE_CODE: 1002,
  WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH: 1002,
  WS_ERR_INVALID_OPCODE: 1002,
  WS_ERR_UNEXPECTED_RSV_1: 1002,
  WS_ERR_UNEXPECTED_RSV_2_3: 1002,
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
};
