import type { AdminRoute } from '../../router.ts';

/**
 * GET /readyz: 200 while calls are served (`ready`, `degraded`), else 503. Open to everybody, since probes seldom
 * carry a token; the details of each check are shown only to callers who could read them elsewhere.
 */
export const getReadyz: AdminRoute = {
  method: 'GET',
  path: '/readyz',
  access: 'open',
  handle: ({ ports, authorized }) => {
    const { status, checks } = ports.readiness();
    const serves = status === 'ready' || status === 'degraded';
    return {
      status: serves ? 200 : 503,
      body: {
        status,
        checks: checks.map((check) => ({
          name: check.name,
          status: check.status,
          ...(authorized ? check.detail : {}),
        })),
      },
    };
  },
};
