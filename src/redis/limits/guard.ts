/** What stands before Redis: while it is open nothing is sent. */
export interface CallGuard {
  isOpen(): boolean;
  /** An answer came in time. */
  succeeded(): void;
  /** None came in time, or it was an error. */
  failed(error: unknown): void;
}
