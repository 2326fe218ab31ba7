export type { Address } from './address.ts';
export { formatAddress, maskAddress } from './address.ts';
export { parseAddress } from './address.ts';
export type { RandomBytes } from './api-key.ts';
export {
  digestOfKey,
  digestOfSha256,
  hashKey,
  isKeyText,
  keyLengthMin,
  keyPrefix,
  looksLikeKey,
  newApiKey,
  parseApiKey,
  sha256Prefix,
} from './api-key.ts';
export { callerOfAddress } from './caller.ts';
export { configKeyId } from './config-key-id.ts';
export type { Cidr } from './cidr.ts';
export { cidrProblem, formatCidr, parseCidr } from './cidr.ts';
export { createPrefixTable, openPrefixTable, type PrefixTable, sharePrefixTable } from './prefix-table.ts';
export { createKeyIndexReader } from './key-index-reader.ts';
export { copyKeyIndex } from './key-index-copy.ts';
export type { KeyEntry, KeyIndexWriter } from './key-index-writer.ts';
export { buildKeyIndex, createKeyIndexWriter } from './key-index-writer.ts';
export type { KeyPlace, KeySources } from './presented-key.ts';
export {
  isKeyProtocol,
  keyConflict,
  keyFoundIn,
  keyInProtocols,
  keyInQuery,
  presentedKey,
} from './presented-key.ts';
export { createKeyResolver, keyRefusal } from './resolve.ts';
export {
  checkSessionData,
  homeOfSession,
  newSessionToken,
  type Session,
  type SessionBounds,
  sessionHome,
  sessionIdOf,
  type Sessions,
} from './sessions/sessions.ts';
export { createSharedTexts, readSharedText } from './shared-texts.ts';
export { createTrustedProxies } from './trusted-proxies.ts';
export { uuidBytes, uuidText } from './uuid.ts';
