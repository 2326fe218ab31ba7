import type { Cluster } from 'ioredis';
import type { RedisSettings } from '../config/index.ts';
import type { RedisClient } from './client.ts';
import { createScript } from './script.ts';

/**
 * One of each command that we and our scripts call, on a key of its own: where the login may not run one, Redis is of no use to us, and `/readyz`
 * shall say which. Whoever adds a command to a script adds it here, and to the ACL of docs/scaling.md.
 */
const { text, sha } = createScript(`
local key = KEYS[1]
local commands = {
  { 'TIME' }, { 'DEL', key },
  { 'HSET', key, 'a', '1' }, { 'HGETALL', key }, { 'PEXPIREAT', key, ARGV[1] }, { 'PTTL', key }, { 'HDEL', key, 'a' },
  { 'ZADD', key, 1, 'a', 2, 'b' }, { 'ZRANGE', key, 0, -1 }, { 'ZREM', key, 'a' }, { 'PEXPIRE', key, 1000 },
  { 'ZREMRANGEBYSCORE', key, '-inf', 2 }, { 'MGET', key }, { 'SET', key, '1', 'PX', 1000 }, { 'GET', key },
}
-- The driver goes on in database 0 where it may not select another, or there is none.
if ARGV[2] ~= '0' then table.insert(commands, 1, { 'SELECT', ARGV[2] }) end
for _, command in ipairs(commands) do
  local reply = redis.pcall(unpack(command))
  if type(reply) == 'table' and reply.err then
    -- Redis does not say which.
    if string.find(reply.err, 'user executing the script') then
      return redis.error_reply('NOPERM the login may not run ' .. command[1])
    end
    return reply
  end
end
return 1`);
const FAR_MS = 4_102_444_800_000;

/** Resolves when Redis serves: it writes, and we may do all that we must. All masters of a Cluster must be there. */
export async function probe(client: RedisClient, { prefix, db }: RedisSettings): Promise<void> {
  const nodes = client.isCluster ? (client as Cluster).nodes('master') : [];
  await Promise.all(nodes.map((node) => node.ping()));
  const key = `${prefix}probe`;
  await client.eval(text, 1, key, FAR_MS, db);
  await client.evalsha(sha, 1, key, FAR_MS, db);
}
