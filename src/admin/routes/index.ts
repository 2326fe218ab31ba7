import type { AdminRoute } from '../router.ts';
import { getExplain } from './explain/get.ts';
import { postExplain } from './explain/post.ts';
import { getSockets } from './sockets/get.ts';
import { getIdentity } from './stats/identity.ts';
import { getMethods } from './stats/methods.ts';
import { getSummary } from './stats/summary.ts';
import { getTop } from './stats/top.ts';
import { getHealthz } from './healthz/get.ts';
import { postOperation } from './operations/post.ts';
import { getMetrics } from './metrics/get.ts';
import { getBillingEvents } from './stats/billing-events.ts';
import { getReadyz } from './readyz/get.ts';

/** Every route of the admin listener. A new one is a file under its resource and a line here. */
export const adminRoutes: readonly AdminRoute[] = [
  getHealthz,
  getReadyz,
  getExplain,
  postExplain,
  getSockets,
  postOperation,
  getMetrics,
  getSummary,
  getMethods,
  getTop,
  getIdentity,
  getBillingEvents,
];
