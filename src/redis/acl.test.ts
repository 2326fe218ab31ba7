import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startCluster } from '../../test/redis/cluster.ts';
import { masterName, startSentinels } from '../../test/redis/sentinels.ts';
import { type RedisServer, startRedis } from '../../test/redis/server.ts';
import { bucketShape } from '../limits/index.ts';
import { createSharedBans } from './bans/shared-bans.ts';
import { createSharedViolations } from './bans/shared-violations.ts';
import { createSharedStore } from './cache/shared-store.ts';
import { createExactStore } from './limits/exact-store.ts';
import { createLeaseStore } from './limits/lease-store.ts';
import { openRedis, type RedisLink } from './link.ts';
import { createMembers } from './members.ts';
import { createQuotaStore } from './quotas/quota-store.ts';
import { testRedisSettings } from './testing/settings.ts';

const page = readFileSync(new URL('../../docs/scaling.md', import.meta.url), 'utf8');
/** Of the login, as the docs give it. */
const rules = /^ACL SETUSER polymorph (on .*)$/m.exec(page)![1]!.replace('PASSWORD', 'secret').split(' ');
const commands = rules.filter((rule) => rule.startsWith('+'));
const [forCluster, forSentinels] = [
  /Cluster also `([^`]+)`/.exec(page)![1]!,
  /Sentinel's login needs `([^`]+)`/.exec(page)![1]!,
].map((text) => text.split(/\s+/)) as [string[], string[]];
/** Commands that scripts of this room call. */
const sources = globSync('**/*.{ts,lua}', { cwd: import.meta.dirname, exclude: ['**/*.test.ts'] });
const called = new Set(
  sources.flatMap((file) =>
    [...readFileSync(join(import.meta.dirname, file), 'utf8').matchAll(/redis\.p?call\('([A-Z]+)'/g)].map(
      ([, name = '']) => name,
    ),
  ),
);
const probeSource = readFileSync(join(import.meta.dirname, 'probe.ts'), 'utf8');
const login = {
  ...{ username: 'polymorph', password: 'secret' },
  // The machine may be crowded.
  ...{ connect_timeout: '1s', command_timeout: '1s' },
};

let links: RedisLink[] = [];
afterEach(() => {
  for (const link of links) link.close();
  links = [];
});

async function linked(redis: Record<string, unknown>): Promise<RedisLink> {
  const link = await openRedis(testRedisSettings({ ...login, ...redis }), Date.now);
  links.push(link);
  return link;
}

/** Everything that an instance sends. */
async function useAll({ client, guard }: RedisLink): Promise<void> {
  const failed = (error: unknown) => guard.failed(error);
  const common = { client, guard, prefix: 'pp:', timeoutMs: 2000 };
  const shape = bucketShape({ requests: 10, periodMs: 1000, burst: 0 })!;
  const members = createMembers({
    ...{ client, guard, prefix: 'pp:', id: 'a', run: 'b' },
    steadyMs: () => 0,
    after: () => () => undefined,
  });
  await members.beat();
  const ask = { bucket: '{o}:l', shape, unspent: 0, least: 0, ttlMs: 5000 };
  const leases = createLeaseStore({ ...common, holder: 'a' });
  await leases.ask([{ ...ask, seq: 1, want: shape.tokenUnits, leave: false }]);
  // Full again, and of nobody: it is deleted.
  await leases.ask([{ ...ask, seq: 2, unspent: shape.tokenUnits, want: 0, leave: true }]);
  await createExactStore(common).take([{ bucket: '{o}:e', shape }], 1);
  const quota = {
    ...{ quota: '{o}:q', seq: 1, after: 0, spent: 0, known: 0, unspent: 0, want: 5, least: 1, limit: 10 },
    ...{ instances: 1, ledger: 'l', ledgerSum: 0, expiresAtMs: Date.now() + 60_000 },
  };
  const quotas = createQuotaStore({ client: () => client, prefix: 'pp:', failed });
  await quotas.ask([{ ...quota, instance: 'x' }]);
  await useBans({ client, guard, prefix: 'pp:' });
  const answers = createSharedStore(common);
  answers.write('{a}', Buffer.from('x'), Date.now() + 5000, () => undefined);
  await new Promise<void>((resolve) => answers.read('{a}', () => resolve()));
  answers.say('{a}', 'x', 1000, true);
  answers.remove('{a}');
  await new Promise<void>((resolve) => answers.hear('{a}', () => resolve()));
  await members.leave();
}

async function useBans(common: Pick<RedisLink, 'client' | 'guard'> & { prefix: string }): Promise<void> {
  const bans = createSharedBans({ ...common, origin: 'a', recordsMax: 1 });
  const record = { reason: '', by: 'auto', times: 1, beganAt: 1, until: null, endedAt: null };
  const change = (prefix: string, keepMs: number | null) => ({
    ...{ record: { ...record, prefix }, unlessStanding: false, keepMs },
  });
  try {
    await bans.put([change('10.0.0.1', null), change('10.0.0.2', 1000), change('10.0.0.3', 2000)]);
    await bans.read(0);
    const violations = createSharedViolations(common);
    for (const weight of [1, 10])
      await violations.add([{ address: '10.0.0.1', weight }], { windowMs: 1000, threshold: 10 });
  } catch {
    // The guard has been told.
  }
}

/** What a login was not allowed since it was last asked. */
async function denied(server: RedisServer): Promise<string[]> {
  const log = (await server.call('ACL', 'LOG')) as string[][];
  await server.call('ACL', 'LOG', 'RESET');
  return log.map((entry) => String(entry[7]));
}

/** Without the rule something is not allowed that is done. */
async function expectDenied(
  rule: string,
  redis: Record<string, unknown>,
  servers: readonly RedisServer[],
): Promise<void> {
  const link = await linked(redis);
  const log: string[] = [];
  await expect
    .poll(
      async () => {
        for (const server of servers) log.push(...(await denied(server)));
        return log.join();
      },
      { timeout: 5000, interval: 20 },
    )
    .toContain(rule.slice(1));
  link.close();
}

const bySentinels = ({ addresses }: { addresses: string[] }) => ({
  ...{ sentinels: addresses, name: masterName },
  ...{ sentinel_username: 'watcher', sentinel_password: 'secret' },
});

describe('the login of docs/scaling.md', () => {
  it('may do all that is done, and no command of it can be left out', async () => {
    await using server = await startRedis();
    await server.call('ACL', 'SETUSER', 'polymorph', ...rules);
    const place = { url: `redis://127.0.0.1:${server.port}/1` };
    const link = await linked(place);
    await link.untilThere(5000);
    await useAll(link);
    expect(await denied(server)).toEqual([]);
    // It did not know the six scripts that are called by their hash.
    expect(link.counts).toMatchObject({ refused: 6, timedOut: 0, lost: 0 });

    expect(commands.length).toBeGreaterThan(15);
    for (const command of commands) {
      await server.call('ACL', 'SETUSER', 'polymorph', 'reset', ...rules.filter((rule) => rule !== command));
      const lacking = await linked(place);
      await lacking.untilThere(200);
      const { away, reason } = lacking.guard.state();
      const log = await denied(server);
      expect(log.join(), command).toContain(command.slice(1));
      // Without these two it goes on all the same.
      expect(away, command).toBe(!['+info', '+client|setname'].includes(command));
      if (away) expect(reason).toMatch(new RegExp(`^NOPERM.*\\b${command.slice(1)}\\b`, 'i'));
      lacking.close();
    }
    expect(called.size).toBeGreaterThan(10);
    for (const name of called) {
      expect(commands, 'docs/scaling.md').toContain(`+${name.toLowerCase()}`);
      expect(probeSource).toContain(`'${name}'`);
    }
    const nowhere = await linked({ url: `redis://127.0.0.1:${server.port}/99` });
    await server.call('ACL', 'SETUSER', 'polymorph', 'reset', ...rules);
    await expect.poll(() => nowhere.guard.state().reason).toContain('DB index is out of range');
    const elsewhere = await linked({ ...place, prefix: 'other:' });
    await elsewhere.untilThere(300);
    expect(elsewhere.guard.state()).toMatchObject({ away: true, reason: expect.stringMatching(/key/) });
  });

  it('is enough on a Cluster, with what the docs add for it', async () => {
    await using cluster = await startCluster();
    for (const node of cluster.nodes) await node.call('ACL', 'SETUSER', 'polymorph', ...rules, ...forCluster);
    const link = await linked({ cluster: cluster.addresses });
    await link.untilThere(5000);
    await useAll(link);
    for (const node of cluster.nodes) expect(await denied(node)).toEqual([]);
    expect(link.guard.isOpen()).toBe(false);

    // ASKING is sent while a slot moves.
    for (const rule of forCluster.filter((one) => one !== '+asking')) {
      const rest = forCluster.filter((one) => one !== rule);
      for (const node of cluster.nodes)
        await node.call('ACL', 'SETUSER', 'polymorph', 'reset', ...rules, ...rest);
      await expectDenied(rule, { cluster: cluster.addresses }, cluster.nodes);
    }
  });

  it('is enough by Sentinels, with one of its own there', async () => {
    await using group = await startSentinels();
    for (const server of group.servers) await server.call('ACL', 'SETUSER', 'polymorph', ...rules);
    for (const sentinel of group.sentinels)
      await sentinel.call('ACL', 'SETUSER', 'watcher', 'on', '>secret', ...forSentinels);
    const link = await linked(bySentinels(group));
    await link.untilThere(5000);
    await useAll(link);
    await group.failOver({ demote: true });
    await expect
      .poll(
        async () => {
          await useAll(link);
          return link.guard.isOpen();
        },
        { timeout: 8000, interval: 50 },
      )
      .toBe(false);
    for (const server of [...group.servers, ...group.sentinels]) expect(await denied(server)).toEqual([]);

    // Its connections to Sentinels are ended, and made again: where it may not listen any more nothing else happens.
    const deaf = forSentinels.filter((rule) => !rule.startsWith('&'));
    for (const sentinel of group.sentinels)
      await sentinel.call('ACL', 'SETUSER', 'watcher', 'reset', 'on', '>secret', ...deaf);
    for (const sentinel of group.sentinels)
      await expect.poll(() => denied(sentinel), { timeout: 5000, interval: 50 }).toContain('+switch-master');
    expect(link.guard.isOpen()).toBe(false);
    link.close();

    for (const rule of forSentinels.filter((one) => one !== '-@all')) {
      const rest = forSentinels.filter((one) => one !== rule);
      for (const sentinel of group.sentinels)
        await sentinel.call('ACL', 'SETUSER', 'watcher', 'reset', 'on', '>secret', ...rest);
      await expectDenied(rule, bySentinels(group), group.sentinels);
    }
  });
});
