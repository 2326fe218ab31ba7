import { createScript } from '../script.ts';

/*
 * Keys, all of one user in one slot of a Cluster:
 *   {session:HOME}:ID    hash: user, created, seen, expires (milliseconds of Redis's clock), data; ends by itself
 *   {session:HOME}:all   the user's ids by when they expire
 */

const clock = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** The list lives as long as the last of those in it. */
const keepAll = `
local function keepAll(key)
  local last = redis.call('ZRANGE', key, 0, 0, 'REV', 'WITHSCORES')
  if last[2] then redis.call('PEXPIRE', key, math.max(1, last[2] - now)) end
end
`;

/** Where the list was evicted its sessions are as none: to end all of a user would not find them. */
const isListed = `
local function isListed(key, id)
  for _, one in ipairs(redis.call('ZRANGE', key, 0, -1)) do if one == id then return true end end
  return false
end
`;

/** Keys: the session, all. Arguments: id, user, data, milliseconds without a touch, of its life; sessions of the user, what comes before an id in its key. */
export const createSessionScript = createScript(`${clock}${keepAll}
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local others = redis.call('ZRANGE', KEYS[2], 0, -1)
for place = 1, #others + 1 - ARGV[6] do
  redis.call('DEL', ARGV[7] .. others[place])
  redis.call('ZREM', KEYS[2], others[place])
end
local ttl = math.min(ARGV[4], ARGV[5])
redis.call('HSET', KEYS[1], 'user', ARGV[2], 'created', now, 'seen', now, 'expires', now + ttl, 'data', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('ZADD', KEYS[2], now + ttl, ARGV[1])
keepAll(KEYS[2])
return redis.call('HGETALL', KEYS[1])`);

/** Keys: the session, all. Argument: id. */
export const readSessionScript = createScript(`${isListed}
return isListed(KEYS[2], ARGV[1]) and redis.call('HGETALL', KEYS[1]) or {}`);

/** Keys: the session, all. Arguments: id, milliseconds without a touch, of its life; data, where that changes. */
export const touchSessionScript = createScript(`${clock}${keepAll}${isListed}
local session = {}
local fields = redis.call('HGETALL', KEYS[1])
for at = 1, #fields, 2 do session[fields[at]] = fields[at + 1] end
if not session.created or not isListed(KEYS[2], ARGV[1]) then return {} end
local ttl = math.min(ARGV[2], session.created + ARGV[3] - now)
if ttl < 1 then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
  return {}
end
redis.call('HSET', KEYS[1], 'seen', now, 'expires', now + ttl)
if ARGV[4] then redis.call('HSET', KEYS[1], 'data', ARGV[4]) end
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('ZADD', KEYS[2], now + ttl, ARGV[1])
keepAll(KEYS[2])
return redis.call('HGETALL', KEYS[1])`);

/** Keys: the session, all. Argument: id. */
export const deleteSessionScript = createScript(`
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])`);

/** Keys: all. Argument: what comes before an id in its key. Answer: id and fields of each. */
export const listSessionsScript = createScript(`
local found = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local fields = redis.call('HGETALL', ARGV[1] .. id)
  if #fields > 0 then found[#found + 1] = { id, fields } end
end
return found`);

/** The same keys and argument. Answer: how many there were. */
export const deleteSessionsScript = createScript(`
local count = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do count = count + redis.call('DEL', ARGV[1] .. id) end
redis.call('DEL', KEYS[1])
return count`);
