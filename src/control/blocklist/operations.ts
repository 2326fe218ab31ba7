import { AccountsError } from '../../accounts/index.ts';
import { type Ban, readPrefix } from '../../admission/index.ts';
import type { Config } from '../../config/index.ts';
import { type Cidr, parseAddress } from '../../identity/index.ts';
import type { Bans } from './bans.ts';
import type { ListEntries } from './entries.ts';
import { type BlocklistOperation, blocklistInputs, readInput } from './inputs.ts';
import { lockOut } from './lock-out.ts';

/** A ban as it is shown. Times are RFC 3339, UTC. */
export interface BanView {
  address: string;
  reason: string;
  by: string;
  at: string;
  until: string | null;
  times: number;
  simulated: boolean;
}

type Change = BanView & {
  /** In the store: it outlives the gateway. */
  kept: boolean;
  /** What else to know; null: nothing. */
  note: string | null;
};

interface NamedEntry<List> {
  list: List;
  entry: string;
  source: string;
}

/** What each operation answers. */
export interface BlocklistResults {
  'blocklist.list': {
    mode: 'enforce' | 'simulate';
    bans: BanView[];
    total: number;
    /** Give it as `after` for more; null: that was all. */
    next: string | null;
    /** Entries of the config's lists. */
    deny: number;
    allow: number;
  };
  'blocklist.add': Change;
  'blocklist.remove': Change;
  'blocklist.test': {
    address: string;
    mode: 'enforce' | 'simulate';
    /** Whether it is refused now. */
    refused: boolean;
    /** What decided: an entry of the config or a ban; null: nothing names it. */
    by: NamedEntry<'allow'> | NamedEntry<'deny'> | ({ list: 'ban' } & BanView) | null;
  };
}

/** What the operations work on. */
export interface BlocklistContext {
  bans: Bans;
  config(): Config;
  entries(): ListEntries;
  epochMs(): number;
}

export function isBlocklistOperation(name: string): name is BlocklistOperation {
  return Object.hasOwn(blocklistInputs, name);
}

/** Rejects with AccountsError. `peer`: from where the admin listener was asked. */
export async function runBlocklistOperation<Name extends BlocklistOperation>(
  context: BlocklistContext,
  name: Name,
  input: unknown,
  peer?: string,
): Promise<BlocklistResults[Name]> {
  const run = runs[name] as (...args: unknown[]) => Promise<BlocklistResults[Name]>;
  return run(context, readInput(name, input), peer);
}

type Run<Name extends BlocklistOperation> = (
  context: BlocklistContext,
  input: ReturnType<typeof readInput<Name>>,
  peer?: string,
) => Promise<BlocklistResults[Name]>;

const list: Run<'blocklist.list'> = async ({ bans, config, entries }, { after, limit }) => {
  const all = (await bans.all()).sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
  const rest = all.filter(({ prefix }) => prefix > after);
  const page = rest.slice(0, limit);
  return {
    mode: config().blocklist.mode,
    bans: page.map(viewOf),
    total: all.length,
    next: rest.length > limit ? page.at(-1)!.prefix : null,
    ...entries().sizes,
  };
};

const add: Run<'blocklist.add'> = async (context, input, peer) => {
  const { bans, config, entries, epochMs } = context;
  const { prefix, network } = readPrefix(input.address)!;
  const isAllowed = (address: Parameters<ReturnType<typeof entries>['find']>[1]): boolean =>
    entries().find('allow', address) !== undefined;
  const trustedProxies = config().server.trusted_proxies;
  const danger = lockOut(network, { peer, from: input.from, trustedProxies, isAllowed });
  if (danger !== undefined && !input.force)
    throw new AccountsError('refused', `${prefix} was not banned: ${danger}. With --force it is`);
  const until = input.forMs === undefined ? null : epochMs() + input.forMs;
  const outcome = await bans.add({ prefix, reason: input.reason, by: input.by, until });
  const allowed = entries().covering('allow', network);
  const notes = [
    allowed && `${allowed.entry} is on the allow-list (${allowed.source}), which wins`,
    config().blocklist.mode === 'simulate' && 'blocklist.mode is simulate: nobody is refused',
  ].filter((note) => typeof note === 'string');
  return { ...viewOf(outcome.ban), kept: outcome.kept, note: notes.join('; ') || null };
};

const remove: Run<'blocklist.remove'> = async ({ bans, config, entries }, { address, by }) => {
  const { prefix, network } = readPrefix(address)!;
  const lifted = await bans.lift(prefix, by);
  const still = await refusing(bans, entries(), network);
  if (lifted === undefined)
    throw new AccountsError(
      'not_found',
      `There is no ban of ${prefix}${still === undefined ? '' : `; ${still}`}`,
    );
  return {
    ...viewOf(lifted.ban),
    kept: lifted.kept,
    note: still === undefined ? null : `${stillRefused[config().blocklist.mode]}: ${still}`,
  };
};

const stillRefused = {
  enforce: 'It is still refused',
  simulate: 'It would still be refused, but that blocklist.mode is simulate',
};

/** What refuses the whole network, in words; what refuses a part of it only does not count. */
async function refusing(bans: Bans, entries: ListEntries, network: Cidr): Promise<string | undefined> {
  if (entries.covering('allow', network) !== undefined) return undefined;
  const ban = await bans.holding(network.address, network.bits);
  if (ban !== undefined) return `the ban of ${ban.prefix} holds it`;
  const denied = entries.covering('deny', network);
  return denied && `${denied.entry} is denied in ${denied.source}`;
}

const test: Run<'blocklist.test'> = async ({ bans, config, entries }, { address }) => {
  const parsed = parseAddress(address)!;
  const { mode } = config().blocklist;
  const about = { address: readPrefix(address)!.prefix, mode };
  const allowed = entries().find('allow', parsed);
  if (allowed !== undefined) return { ...about, refused: false, by: { list: 'allow', ...allowed } };
  const denied = entries().find('deny', parsed);
  const ban = denied === undefined ? await bans.holding(parsed) : undefined;
  if (denied === undefined && ban === undefined) return { ...about, refused: false, by: null };
  return {
    ...about,
    refused: mode === 'enforce',
    by: ban === undefined ? { list: 'deny', ...denied! } : { list: 'ban', ...viewOf(ban) },
  };
};

const runs: { [Name in BlocklistOperation]: Run<Name> } = {
  'blocklist.list': list,
  'blocklist.add': add,
  'blocklist.remove': remove,
  'blocklist.test': test,
};

function viewOf({ prefix, reason, by, beganAt, until, times, simulated }: Ban): BanView {
  const at = new Date(beganAt).toISOString();
  return {
    ...{ address: prefix, reason, by, at, times, simulated },
    until: until === null ? null : new Date(until).toISOString(),
  };
}
