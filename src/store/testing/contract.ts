import { afterAll, beforeAll, describe } from 'vitest';
import { describeAnnouncements } from './contract/announcements.ts';
import { describeApply } from './contract/apply.ts';
import { describeBans } from './contract/bans.ts';
import { describeInvoices } from './contract/invoices.ts';
import { describeKeys } from './contract/keys.ts';
import { describeMirror } from './contract/mirror.ts';
import { describeOutbox } from './contract/outbox.ts';
import { describePlans } from './contract/plans.ts';
import { describePolicyKeys } from './contract/policy-keys.ts';
import { describeRetention } from './contract/retention.ts';
import { describeTransactions } from './contract/transactions.ts';
import { describeQuotaUse } from './contract/quota-use.ts';
import { describeUsage } from './contract/usage.ts';
import { describeUsers } from './contract/users.ts';
import type { OpenSubject, Subject } from './subject.ts';

/** What holds of every store. Each part has a subject of its own. */
export function describeStore(name: string, open: OpenSubject): void {
  const parts = [
    describeUsers,
    describeKeys,
    describePlans,
    describePolicyKeys,
    describeMirror,
    describeInvoices,
    describeOutbox,
    describeTransactions,
    describeAnnouncements,
    describeApply,
    describeUsage,
    describeQuotaUse,
    describeRetention,
    describeBans,
  ];
  describe(name, () => {
    for (const part of parts)
      describe(part.name.slice('describe'.length), () => {
        let subject: Subject;
        beforeAll(async () => {
          subject = await open();
        });
        afterAll(() => subject?.end());
        part(() => subject);
      });
  });
}
