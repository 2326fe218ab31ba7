import { z } from 'zod';
import { AccountsError } from '../../accounts/index.ts';
import { cidrProblem, parseAddress } from '../../identity/index.ts';

const network = z.string().refine((text) => cidrProblem(text) === undefined, {
  error: ({ input }) => `found ${JSON.stringify(String(input).slice(0, 60))}, ${cidrProblem(String(input))}`,
});
const address = z.string().refine((text) => parseAddress(text) !== undefined, {
  error: ({ input }) =>
    `found ${JSON.stringify(String(input).slice(0, 60))}, expected one IPv4 or IPv6 address`,
});
/** Of a person or program, for other people to read. */
const by = z.string().min(1).max(200).default('operator');
/** 1 s to 10 years. */
const forMs = z.int().min(1000).max(315_576_000_000);

/** What each operation takes. Durations are milliseconds. */
export const blocklistInputs = {
  'blocklist.list': z.strictObject({
    after: z.string().max(50).default(''),
    limit: z.int().min(1).max(10_000).default(1000),
  }),
  'blocklist.add': z.strictObject({
    address: network,
    /** Left out: until it is lifted. */
    forMs: forMs.optional(),
    reason: z.string().max(500).default(''),
    by,
    /** Ban also who asks, loopback or a trusted proxy. */
    force: z.boolean().default(false),
    /** Further addresses of the one who asks. */
    from: z.array(z.string().max(100)).max(10).default([]),
  }),
  'blocklist.allow': z.strictObject({
    address: network,
    /** Left out: until it is disallowed. */
    forMs: forMs.optional(),
    reason: z.string().max(500).default(''),
    by,
  }),
  'blocklist.disallow': z.strictObject({ address: network, by }),
  'blocklist.remove': z.strictObject({ address: network, by }),
  'blocklist.test': z.strictObject({ address }),
};

export type BlocklistOperation = keyof typeof blocklistInputs;
export type BlocklistInput<Name extends BlocklistOperation> = z.input<(typeof blocklistInputs)[Name]>;

/** Throws AccountsError `invalid` with what is wrong. */
export function readInput<Name extends BlocklistOperation>(
  name: Name,
  input: unknown,
): z.output<(typeof blocklistInputs)[Name]> {
  const result = blocklistInputs[name].safeParse(input);
  if (result.success) return result.data as z.output<(typeof blocklistInputs)[Name]>;
  const [issue] = result.error.issues;
  const path = issue?.path.join('.') ?? '';
  throw new AccountsError(
    'invalid',
    `${path === '' ? '' : `${path}: `}${issue?.message ?? 'not understood'}`,
  );
}
