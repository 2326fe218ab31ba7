/** The config file: from text to a frozen, checked `Config`, and from that to the workers' snapshot. */
export { compile, configHash, extend, versionsOf } from './compile.ts';
export type {
  CeilingConfig,
  Config,
  KeyConfig,
  KeyLimitsConfig,
  NetworkConfig,
  QuotaConfig,
  RuleConfig,
  UpstreamConfig,
} from './config.ts';
export type { Environment } from './environment.ts';
export { createKeyTable, type KeyTable } from './keys/key-table.ts';
export { type StoredKey, storedIdOf, storedName, userIdOf } from './keys/stored-key.ts';
export { createStoredTerms, type StoredTerms } from './keys/stored-terms.ts';
export {
  createConfig,
  type LoadOptions,
  type LoadResult,
  loadConfig,
  parseConfig,
} from './load.ts';
export { type ConfigPlan, planChange } from './plan/index.ts';
export { nearestName } from './nearest.ts';
export { formatProblem, type Problem, renderProblem } from './problem.ts';
export { formatDuration, parseDuration } from './quantity.ts';
export type { ReadFile } from './read-file.ts';
export {
  createRegistries,
  NETWORK_SLOTS,
  type Registries,
  UPSTREAM_SLOTS,
} from './registries.ts';
export { methodPatternExpected, methodPatternForm } from './schema/containers.ts';
export {
  formatListen,
  isWildcard,
  type ListenAddress,
  parseListen,
} from './schema/addresses.ts';
export { createKeyMemo, type KeyMemo } from './schema/key-memo.ts';
export type { StoreChoice } from './schema/store.ts';
export type { UpstreamUrl } from './schema/upstream-url.ts';
export type {
  BreakerPolicy,
  CachePolicy,
  CeilingPolicy,
  HealthPolicy,
  HedgePolicy,
  MethodsPolicy,
  NetworkPolicy,
  PolicyExtension,
  PolicySnapshot,
  QuotaPolicy,
  RetryPolicy,
  ShedPolicy,
  RulePolicy,
  RuleRank,
  RuleSet,
  ServerPolicy,
  SocketBounds,
  UpstreamPolicy,
  UsagePolicy,
  WebsocketPolicy,
} from './snapshot.ts';
export type { PolicySets } from './snapshot.ts';
export { extendSnapshot } from './snapshot.ts';
export { summarize } from './summary.ts';
export type { TlsMaterial } from './tls-files.ts';
export { type ConfigWatch, watchConfig, type WatchOptions } from './watch.ts';
export { editorSchema } from './editor-schema.ts';
export { referencePage } from './reference.ts';
