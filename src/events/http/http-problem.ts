export type HttpProblemCode =
  /** The name leads to an address that is not public, and `allow_private` is off. */
  | 'refused_address'
  | 'timeout'
  | 'connect'
  | 'tls'
  /** What came back is no HTTP, or the connection ended within it. */
  | 'broken'
  /** The one who asked wanted no answer any more. */
  | 'ended';

/** Why a request of a sink got no answer. The message names host and port and never path, query or headers. */
export class HttpProblem extends Error {
  readonly code: HttpProblemCode;

  constructor(code: HttpProblemCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HttpProblem';
    this.code = code;
  }
}
