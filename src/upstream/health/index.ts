/** Active checks of upstreams and the heads of networks; runs on main. */
export type { HealthEvent, NetworkHealth } from './events.ts';
export { createNode, type Node } from './node.ts';
export { createHealthMonitor, type HealthMonitor } from './monitor.ts';
