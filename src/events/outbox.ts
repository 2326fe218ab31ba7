/** Writes rows of `billing_events` of events that are in the outbox, once each. Rejects while the store is away. */
export type RecordBilling = (ids: readonly string[]) => Promise<void>;
