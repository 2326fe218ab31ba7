/** A step of the schema, forward only. Once released, its text never changes. */
export interface Migration {
  /** 1, 2, 3 …: one more than the step before. */
  version: number;
  name: string;
  /** Statements, run in one transaction with the others that are pending. */
  sqlite: string;
  postgres: string;
}
