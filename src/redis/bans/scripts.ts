import { createScript } from '../script.ts';

/*
 * Keys, all in one slot of a Cluster by `{bans}`:
 *   {bans}:head         hash: the log's epoch and the number of its last change
 *   {bans}:log          prefixes by the number of their last change
 *   {bans}:ends         prefixes by when they are forgotten, milliseconds
 *   {bans}:ban:PREFIX   the record as JSON, with the name of whoever wrote it
 */

/** Makes sure that there is a head; a log that outlived it goes on with its numbers. */
const head = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  epoch = time[1] .. '.' .. time[2]
  local last = redis.call('ZRANGE', KEYS[2], 0, 0, 'REV', 'WITHSCORES')
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'last', last[2] or 0)
end
`;

/** Keys are kept for a day longer than what is in them, and found out of use by then. */
const keptMs = 86_400_000;

/**
 * Keys: head, log, ends, then one a change. Arguments: records at most, what comes before a prefix in its key, then four a change:
 * its prefix, the record, for how many milliseconds it is kept (empty: for good), whether not where one stands (1).
 * Answer: for each change empty, or what stands in its place.
 */
export const putScript = createScript(`${head}
-- As \`supersedes\` says it.
local function supersedes(a, b)
  if a.beganAt ~= b.beganAt then return a.beganAt > b.beganAt end
  if b.endedAt ~= cjson.null then return false end
  if a.endedAt ~= cjson.null then return true end
  if a.times ~= b.times then return a.times > b.times end
  if b['until'] == cjson.null then return false end
  return a['until'] == cjson.null or a['until'] > b['until']
end
local function stands(ban)
  return ban.endedAt == cjson.null and (ban['until'] == cjson.null or ban['until'] > now)
end
local function keep(key, leftBefore, ttl)
  if ttl == '' then
    if leftBefore >= 0 then redis.call('PERSIST', key) end
  elseif leftBefore == -2 or (leftBefore >= 0 and leftBefore < ttl + ${keptMs}) then
    redis.call('PEXPIRE', key, ttl + ${keptMs})
  end
end
local function forget(prefixes)
  for _, prefix in ipairs(prefixes) do
    redis.call('ZREM', KEYS[2], prefix)
    redis.call('ZREM', KEYS[3], prefix)
    redis.call('DEL', ARGV[2] .. prefix)
  end
end

local outcomes = {}
for i = 4, #KEYS do
  local at = 4 * (i - 4) + 3
  local prefix, value, ttl, unlessStanding = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local found = redis.call('GET', KEYS[i])
  local ban = cjson.decode(value)
  local known = found and cjson.decode(found)
  local made = not known or supersedes(ban, known)
  if made and known and unlessStanding == '1' and stands(known) and known.times >= ban.times then made = false end
  if made then
    local number = redis.call('HGET', KEYS[1], 'last') + 1
    redis.call('HSET', KEYS[1], 'last', number)
    local left = { redis.call('PTTL', KEYS[1]), redis.call('PTTL', KEYS[2]), redis.call('PTTL', KEYS[3]) }
    -- A head is there without an end where it was just made.
    if left[1] == -1 and left[2] == -2 then left[1] = -2 end
    redis.call('ZADD', KEYS[2], number, prefix)
    if ttl == '' then
      redis.call('SET', KEYS[i], value)
      redis.call('ZREM', KEYS[3], prefix)
    else
      redis.call('SET', KEYS[i], value, 'PX', ttl)
      redis.call('ZADD', KEYS[3], now + ttl, prefix)
    end
    for place = 1, 3 do keep(KEYS[place], left[place], ttl) end
    outcomes[#outcomes + 1] = ''
  elseif found == value then
    -- Our own, whose answer was lost.
    outcomes[#outcomes + 1] = ''
  else
    outcomes[#outcomes + 1] = found
  end
end

forget(redis.call('ZRANGE', KEYS[3], '-inf', now, 'BYSCORE', 'LIMIT', 0, 1000))
local most = tonumber(ARGV[1])
local over = redis.call('ZCARD', KEYS[2]) - most
if over > 0 then forget(redis.call('ZRANGE', KEYS[3], 0, math.min(over, 1000) - 1)) end
return outcomes`);

/** Keys: head, log. Arguments: the number after which, how many at most. Answer: epoch, last number, milliseconds, then prefixes and numbers. */
export const readScript = createScript(`${head}
-- Whoever reads keeps it: nothing else may be written for days.
local left = redis.call('PTTL', KEYS[1])
if left == -1 and redis.call('PTTL', KEYS[2]) == -2 or left >= 0 and left < ${keptMs / 2} then
  redis.call('PEXPIRE', KEYS[1], ${keptMs})
end
local changed = redis.call('ZRANGE', KEYS[2], '(' .. ARGV[1], '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[2], 'WITHSCORES')
return { epoch, redis.call('HGET', KEYS[1], 'last'), now, unpack(changed) }`);
