import { AccountsError, type AccountsErrorCode } from '../../accounts/index.ts';
import type { Operations } from '../../control/index.ts';
import { tokenAsked, unreachable } from '../admin-url.ts';
import { type AdminAnswer, askAdmin } from '../ask-admin.ts';

/** For a whole answer: a back-up or a reconciliation of a great store takes its time. */
const TIMEOUT_MS = 600_000;

/** Asks a running gateway by its admin listener. `token`: the admin token, or null where none is asked for. */
export function remoteOperations(base: URL, token: string | null): Operations {
  return {
    async run(name, input) {
      const request = { method: 'POST', path: `/operations/${name}`, body: input, token } as const;
      const answer = await askAdmin(base, { ...request, timeoutMs: TIMEOUT_MS }).catch((error: unknown) => {
        throw new AccountsError('unavailable', unreachable(base, error), { cause: error });
      });
      if (answer.status === 200) return answer.body as never;
      throw refusal(base, answer);
    },
    close: async () => undefined,
  };
}

function refusal(base: URL, { status, body }: AdminAnswer): AccountsError {
  if (status === 401) return new AccountsError('invalid', tokenAsked(base));
  const { detail, reason } = (typeof body === 'object' && body !== null ? body : {}) as Record<
    string,
    unknown
  >;
  const message = typeof detail === 'string' ? detail : `it answered HTTP ${status}`;
  if (typeof reason === 'string') return new AccountsError(reason as AccountsErrorCode, message);
  return new AccountsError('refused', `The gateway at ${base.origin} does not do that: ${message}`);
}
