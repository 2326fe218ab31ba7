/** Times are epoch milliseconds, UTC. Ids are UUIDs in lower case. */
export interface UserRow {
  id: string;
  email: string;
  name: string;
  /** A plan's name; `free` where none was given. */
  tier: string;
  /** Of all its keys together; null: its plan's. */
  quota: QuotaRow | null;
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
}

/** As in `rate_limit_overrides`. `method`: a name or pattern, `group:<name>`, or `*`. `periodMs` in milliseconds. */
export interface OverrideRow {
  method: string;
  requests: number;
  periodMs: number;
  burstSize: number;
}

export interface QuotaRow {
  unit: 'requests' | 'cost';
  limit: number;
  period: 'day' | 'month';
  /** Percentages, ascending. */
  warnAt: number[];
}

export interface KeyRow {
  id: string;
  /** null: a key of the config that belongs to no user. */
  userId: string | null;
  /** `config`: mirrored; what holds of it is in the config file. */
  source: 'store' | 'config';
  /** Hex, 64 characters. */
  sha256: string;
  /** 8 characters. */
  prefix: string;
  name: string;
  enabled: boolean;
  /** null: never. */
  expiresAt: number | null;
  /** The hash before the last rotation, and until when it is taken too. */
  previousSha256: string | null;
  previousUntil: number | null;
  /** Its own; null: its plan's. */
  quota: QuotaRow | null;
  overrides: OverrideRow[];
  createdAt: number;
  lastUsedAt: number | null;
  deletedAt: number | null;
}

/** What a tier means: limits and quota of its keys, and what their usage costs. */
export interface PlanRow {
  name: string;
  /** ISO 4217. */
  currency: string;
  /** Smallest units of the currency a month. */
  monthlyFee: bigint;
  /** Cost units a month that the fee includes. */
  includedUnits: bigint;
  /** `price` smallest units for each `pricePer` cost units beyond. */
  price: bigint;
  pricePer: bigint;
  /** Limits of each of its keys, as a key's own; overrides go before them. */
  limits: OverrideRow[];
  /** Of each of its keys. */
  quota: QuotaRow | null;
  /** Of all keys of a user together. */
  userQuota: QuotaRow | null;
  createdAt: number;
  updatedAt: number;
}

/** What of a plan an invoice goes by. */
export type PlanTerms = Pick<
  PlanRow,
  'name' | 'currency' | 'monthlyFee' | 'includedUnits' | 'price' | 'pricePer'
>;

/** What the policy needs of a key: its user's plan worked in. */
export interface PolicyKey {
  id: string;
  sha256: string;
  previousSha256: string | null;
  previousUntil: number | null;
  prefix: string;
  name: string;
  userId: string | null;
  enabled: boolean;
  expiresAt: number | null;
  overrides: OverrideRow[];
  quota: QuotaRow | null;
  /** Of all keys of its user together. */
  userQuota: QuotaRow | null;
}

export interface InvoiceRow {
  /** `2026-000001`, without a gap within a year. */
  number: string;
  userId: string;
  /** `2026-11`. */
  month: string;
  currency: string;
  total: bigint;
  /** The whole invoice as it was issued. */
  document: unknown;
  issuedAt: number;
}

/** An address or network that is refused: a row for each that was within memory. */
export interface BanRow {
  /** Canonical text, an address alone without its length. */
  prefix: string;
  /** At most 500 characters. */
  reason: string;
  /** `auto`, or who did it; at most 255 characters. */
  by: string;
  /** How often it has been banned, this time included. */
  times: number;
  beganAt: number;
  /** null: until it is lifted. */
  until: number | null;
  /** null: it stands. */
  endedAt: number | null;
}
