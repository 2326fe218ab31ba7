import type { AdminRoute } from '../../router.ts';

/** GET /healthz: the process lives. Open to everybody; says nothing but that. */
export const getHealthz: AdminRoute = {
  method: 'GET',
  path: '/healthz',
  access: 'open',
  handle: () => ({ status: 200, body: { status: 'ok' } }),
};
