import type { QuotaRow } from '../rows.ts';

/** Json as it is written; null stays null. */
export function jsonOf(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** A quota as it was written. */
export function quotaOf(text: string | null): QuotaRow | null {
  return text === null ? null : (JSON.parse(text) as QuotaRow);
}
