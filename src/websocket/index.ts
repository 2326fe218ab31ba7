/** JSON-RPC over WebSocket: sockets in the workers, and on main the hub of all their subscriptions. */
export { type CloseCause, closeCauses, type CloseLabel } from './close-codes.ts';
export { createListeners, type Listeners, type SubscribeResult } from './listeners.ts';
export type { FromHub, SocketAbout, SubscribeFault, ToHub } from './messages.ts';
export { createOpening } from './opening.ts';
export type { Session } from './session.ts';
export type { SessionStats, SocketSettings } from './session-host.ts';
export { createHub, type Hub } from './hub/hub.ts';
export type { HubEvent, HubState } from './hub/events.ts';
