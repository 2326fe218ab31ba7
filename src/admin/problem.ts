/** Stable codes of what the admin listener refuses, with their HTTP status and title. */
export const adminProblems = {
  bad_request: { status: 400, title: 'The request is not valid' },
  unauthorized: { status: 401, title: 'A valid bearer token is needed' },
  not_found: { status: 404, title: 'There is nothing here' },
  method_not_allowed: { status: 405, title: 'This method is not offered here' },
  conflict: { status: 409, title: 'The state of things does not allow it' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'Send application/json' },
  host_refused: { status: 403, title: 'This listener does not answer to that host name' },
  internal: { status: 500, title: 'The admin listener failed' },
  unavailable: { status: 503, title: 'Not available now' },
} as const;

export type AdminProblemCode = keyof typeof adminProblems;

/**
 * A refusal of the admin listener. `detail` is public: it never holds a token, a key or a stack.
 * Sent as application/problem+json (RFC 9457) with `code` as an extension member.
 */
export class AdminProblem extends Error {
  readonly code: AdminProblemCode;
  readonly headers: Record<string, string>;
  /** What tells refusals of one code further apart: the code of an operation that was refused. */
  readonly reason: string | undefined;

  constructor(
    code: AdminProblemCode,
    detail: string,
    headers: Record<string, string> = {},
    { reason, ...options }: ErrorOptions & { reason?: string } = {},
  ) {
    super(detail, options);
    this.name = 'AdminProblem';
    this.code = code;
    this.headers = headers;
    this.reason = reason;
  }
}

/** The body of a problem, RFC 9457 section 3.1; `type` is left out, which means about:blank. */
export function problemBody(
  code: AdminProblemCode,
  detail: string,
  reason?: string,
): Record<string, unknown> {
  const { status, title } = adminProblems[code];
  return { status, title, code, detail, ...(reason === undefined ? {} : { reason }) };
}
