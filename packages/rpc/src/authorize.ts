/** What a call shows of who makes it. */
export interface CallCredentials {
  /** "/package.Service/Method". */
  readonly path: string;
  /** The connection's other end: host:port, or what the transport says of it. */
  readonly peer: string;
  /** The `authorization` header as it came. */
  readonly authorization: string | undefined;
}

/**
 * Decides whether a call may be made, before its handler sees it, and names who makes it (undefined = nobody in particular).
 * Throws UNAUTHENTICATED or PERMISSION_DENIED.
 */
export type Authorize = (call: CallCredentials) => string | undefined;
