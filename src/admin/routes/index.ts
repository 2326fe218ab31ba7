import type { AdminRoute } from '../router.ts';
import { getExplain } from './explain/get.ts';
import { postExplain } from './explain/post.ts';
import { getSockets } from './sockets/get.ts';
import { getHealthz } from './healthz/get.ts';
import { postOperation } from './operations/post.ts';
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
  getBillingEvents,
];
