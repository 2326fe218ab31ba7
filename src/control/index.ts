export type { ConfigOverrides, ConfigSource } from './configuration.ts';
export type { ReloadResult } from './reload.ts';
export { handleSignals, type SignalActions, type SignalSource } from './signals.ts';
export { StartError } from './start-error.ts';
export { type Gateway, type GatewayOptions, startGateway } from './start-gateway.ts';
export type { BanView, BlocklistResults } from './blocklist/operations.ts';
export { type BlocklistOperations, openBlocklist } from './operations/open-blocklist.ts';
export { openOperations } from './operations/open-operations.ts';
export type { Operations } from './operations/operations.ts';
