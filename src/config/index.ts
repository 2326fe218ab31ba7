/** The config file: from text to a frozen, checked `Config`, and from that to the workers' snapshot. */
export type { AddressFileMemo } from './address-files.ts';
export {
  type AlertComparison,
  type AlertCondition,
  type AlertMetric,
  parseAlertWhen,
} from './alert-when.ts';
export { networksIn } from './blocklist-compiler.ts';
export { compile, configHash, versionsOf } from './compile.ts';
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
export { fillTemplate } from './mail-template.ts';
export { parseMoment } from './moment.ts';
export { nearestName } from './nearest.ts';
export { formatProblem, type Problem, renderProblem } from './problem.ts';
export { formatDuration, parseDuration } from './quantity.ts';
export { type RedisSettings, redisSecrets } from './redis-settings.ts';
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
export {
  type EventTypeName,
  eventTypes,
  floodTypes,
  matchesEventType,
  type Severity,
  severities,
} from './schema/event-types.ts';
export {
  secretFieldsOf,
  type SinkConfig,
  type SinkConfigOf,
  type SinkKind,
} from './schema/sinks/index.ts';
export { createKeyMemo, type KeyMemo } from './schema/key-memo.ts';
export type { StoreChoice } from './schema/store.ts';
export type { UpstreamUrl } from './schema/upstream-url.ts';
export type {
  BlocklistPolicy,
  BreakerPolicy,
  CachePolicy,
  CeilingPolicy,
  HealthPolicy,
  HedgePolicy,
  KeySetText,
  MethodsPolicy,
  NetworkPolicy,
  PolicySnapshot,
  QuotaPolicy,
  RetryPolicy,
  ShedPolicy,
  RulePolicy,
  RuleRank,
  RulesByMatch,
  RuleText,
  ServerPolicy,
  SocketBounds,
  UpstreamPolicy,
  UsagePolicy,
  ViolationWeights,
  WebsocketPolicy,
} from './snapshot.ts';
export { summarize } from './summary.ts';
export type { TlsMaterial } from './tls-files.ts';
export { type ConfigWatch, watchConfig, type WatchOptions } from './watch.ts';
export { editorSchema } from './editor-schema.ts';
export { referencePage } from './reference.ts';
