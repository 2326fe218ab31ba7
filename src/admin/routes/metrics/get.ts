import { contentTypes, metricsFormatOf } from '../../../metrics/index.ts';
import type { AdminRoute } from '../../router.ts';

/** GET /metrics: for Prometheus, in its text format 0.0.4 or, where `Accept` asks for it, OpenMetrics 1.0. */
export const getMetrics: AdminRoute = {
  method: 'GET',
  path: '/metrics',
  access: 'token',
  handle: ({ ports, accept }) => {
    const format = metricsFormatOf(accept);
    return { status: 200, text: ports.metrics(format), contentType: contentTypes[format] };
  },
};
