import { z } from 'zod';
import { AdminProblem } from '../../problem.ts';
import type { AdminRoute } from '../../router.ts';

const ask = z
  .strictObject({
    keySha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/i, 'must be 64 hexadecimal digits')
      .optional(),
    keyName: z.string().min(1).max(256).optional(),
    address: z.string().min(1).max(64).optional(),
    network: z.string().min(1).max(256).optional(),
    method: z.string().min(1).max(256),
  })
  .refine((value) => value.keySha256 === undefined || value.keyName === undefined, {
    message: 'give keySha256 or keyName, not both',
  });

/**
 * POST /explain: what would happen to a call now, against the running server's buckets; nothing is taken. A key is
 * given as the SHA-256 of its text (or by its name in the configuration), so that it never travels.
 */
export const postExplain: AdminRoute = {
  method: 'POST',
  path: '/explain',
  access: 'token',
  handle: async ({ ports, body }) => {
    const parsed = ask.safeParse(body);
    if (!parsed.success) throw new AdminProblem('bad_request', z.prettifyError(parsed.error));
    const reply = await ports.explain.dryRun(parsed.data);
    if ('unanswerable' in reply) throw new AdminProblem('not_found', reply.unanswerable);
    return { status: 200, body: reply };
  },
};
