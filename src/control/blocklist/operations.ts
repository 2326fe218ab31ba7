import { AccountsError } from '../../accounts/index.ts';
import { allowMark, type Ban, isAllowed, readPrefix } from '../../admission/index.ts';
import type { Config } from '../../config/index.ts';
import { type Cidr, parseAddress } from '../../identity/index.ts';
import type { Bans } from './bans.ts';
import type { ListEntries } from './entries.ts';
import { type BlocklistOperation, blocklistInputs, readInput } from './inputs.ts';
import { lockOut } from './lock-out.ts';

/** An address that is let in by hand, as it is shown. Times are RFC 3339, UTC. */
export interface AllowedView {
  address: string;
  reason: string;
  by: string;
  at: string;
  until: string | null;
}

/** A ban as it is shown. */
export interface BanView extends AllowedView {
  times: number;
  simulated: boolean;
}

type Change<View = BanView> = View & {
  /** In the store, or with other instances: it outlives the gateway. */
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
    /** Who is let in by hand, a thousand at most; with the first page. */
    allowed: AllowedView[];
    /** Entries of the config's lists. */
    deny: number;
    allow: number;
  };
  'blocklist.add': Change;
  'blocklist.remove': Change;
  'blocklist.allow': Change<AllowedView>;
  'blocklist.disallow': Change<AllowedView>;
  'blocklist.test': {
    address: string;
    mode: 'enforce' | 'simulate';
    /** Whether it is refused now. */
    refused: boolean;
    /** What decided: an entry of the config, a ban, or that it is let in by hand; null: nothing names it. */
    by:
      | NamedEntry<'allow'>
      | NamedEntry<'deny'>
      | ({ list: 'ban' } & BanView)
      | ({ list: 'allowed' } & AllowedView)
      | null;
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

const ALLOWED_MAX = 1000;

const list: Run<'blocklist.list'> = async ({ bans, config, entries }, { after, limit }) => {
  const every = (await bans.all()).sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
  const all = every.filter(({ prefix }) => !isAllowed(prefix));
  const allowed = after === '' ? every.filter(({ prefix }) => isAllowed(prefix)) : [];
  const rest = all.filter(({ prefix }) => prefix > after);
  const page = rest.slice(0, limit);
  return {
    mode: config().blocklist.mode,
    bans: page.map(viewOf),
    total: all.length,
    next: rest.length > limit ? page.at(-1)!.prefix : null,
    allowed: allowed.slice(0, ALLOWED_MAX).map(allowedView),
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
  const listed = entries().covering('allow', network);
  const allowed = await bans.allowing(network.address, network.bits);
  const notes = [
    listed && `${listed.entry} is on the allow-list (${listed.source}), which wins`,
    allowed && `${allowedView(allowed).address} is allowed by hand, which wins`,
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

const allow: Run<'blocklist.allow'> = async ({ bans, epochMs }, { address, forMs, reason, by }) => {
  const { prefix } = readPrefix(address)!;
  const until = forMs === undefined ? null : epochMs() + forMs;
  const { ban, kept } = await bans.add({ prefix: allowMark + prefix, reason, by, until });
  return { ...allowedView(ban), kept, note: null };
};

const disallow: Run<'blocklist.disallow'> = async ({ bans, config, entries }, { address, by }) => {
  const { prefix, network } = readPrefix(address)!;
  const lifted = await bans.lift(allowMark + prefix, by);
  if (lifted === undefined)
    throw new AccountsError('not_found', `${prefix} is not allowed by hand: see the list`);
  const refused = await refusing(bans, entries(), network);
  const note = refused === undefined ? null : `${nowRefused[config().blocklist.mode]}: ${refused}`;
  return { ...allowedView(lifted.ban), kept: lifted.kept, note };
};

const nowRefused = {
  enforce: 'It is refused from now on',
  simulate: 'It would be refused from now on, but that blocklist.mode is simulate',
};

const stillRefused = {
  enforce: 'It is still refused',
  simulate: 'It would still be refused, but that blocklist.mode is simulate',
};

/** What refuses the whole network, in words; what refuses a part of it only does not count. */
async function refusing(bans: Bans, entries: ListEntries, network: Cidr): Promise<string | undefined> {
  if (entries.covering('allow', network) !== undefined) return undefined;
  if ((await bans.allowing(network.address, network.bits)) !== undefined) return undefined;
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
  const byHand = await bans.allowing(parsed);
  if (byHand !== undefined)
    return { ...about, refused: false, by: { list: 'allowed', ...allowedView(byHand) } };
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
  'blocklist.allow': allow,
  'blocklist.disallow': disallow,
  'blocklist.test': test,
};

function allowedView({ prefix, reason, by, beganAt, until }: Ban): AllowedView {
  return {
    address: prefix.replace(allowMark, ''),
    ...{ reason, by, at: new Date(beganAt).toISOString() },
    until: until === null ? null : new Date(until).toISOString(),
  };
}

function viewOf(ban: Ban): BanView {
  const { times, simulated } = ban;
  return { ...allowedView(ban), times, simulated };
}
