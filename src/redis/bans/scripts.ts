import { createScript } from '../script.ts';
import { TIME_MAX } from './record.ts';

/*
 * Keys, all in one slot of a Cluster by `{bans}`:
 *   {bans}:head         hash: the log's epoch, the number of its last change, and until when head, log and ends are kept, milliseconds
 *   {bans}:log          prefixes by the number of their last change
 *   {bans}:ends         prefixes by when they are forgotten, milliseconds
 *   {bans}:ban:PREFIX   the record as JSON, with the name of whoever wrote it
 */

const DAY_MS = 86_400_000;
/** As long as anything is kept that has no end. */
const EVER_MS = 36_500 * DAY_MS;

/** Makes sure that there is a head; a log that outlived it goes on with its numbers, and is kept. */
const withHead = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local head = {}
local fields = redis.call('HGETALL', KEYS[1])
for at = 1, #fields, 2 do head[fields[at]] = fields[at + 1] end
if not head.epoch then
  local last = redis.call('ZRANGE', KEYS[2], 0, 0, 'REV', 'WITHSCORES')
  head = { epoch = time[1] .. '.' .. time[2], last = last[2] or 0, kept = last[2] and now + ${EVER_MS} or 0 }
  redis.call('HSET', KEYS[1], 'epoch', head.epoch, 'last', head.last, 'kept', head.kept)
end
local kept = tonumber(head.kept)
`;

/**
 * Keys: head, log, ends, then one a change. Arguments: records at most, what comes before a prefix in its key, then four a change:
 * its prefix, the record, for how many milliseconds it is kept (empty: for good), whether not where one stands (1).
 * Answer: for each change empty, or what stands in its place.
 */
export const putScript = createScript(`${withHead}
-- As \`supersedes\` says it.
local function supersedes(a, b)
  if a.beganAt ~= b.beganAt then return a.beganAt > b.beganAt end
  if b.endedAt ~= cjson.null then return false end
  if a.endedAt ~= cjson.null then return true end
  if a.times ~= b.times then return a.times > b.times end
  if b['until'] == cjson.null then return false end
  return a['until'] == cjson.null or a['until'] > b['until']
end
-- What another program wrote, or a version to come, is as none: it must not stop what comes after it.
local function isTime(value) return type(value) == 'number' and value >= 0 and value <= ${TIME_MAX} end
local function isEnd(value) return value == cjson.null or isTime(value) end
local function read(text, prefix)
  if not text then return nil end
  local isJson, ban = pcall(cjson.decode, text)
  if isJson and type(ban) == 'table' and ban.prefix == prefix and type(ban.reason) == 'string' and type(ban.by) == 'string'
    and type(ban.times) == 'number' and ban.times >= 1 and ban.times % 1 == 0
    and isTime(ban.beganAt) and isEnd(ban.endedAt) and isEnd(ban['until']) then return ban end
  return nil
end
local function stands(ban)
  return ban.endedAt == cjson.null and (ban['until'] == cjson.null or ban['until'] > now)
end
local function forget(prefixes)
  for _, prefix in ipairs(prefixes) do
    redis.call('ZREM', KEYS[2], prefix)
    redis.call('ZREM', KEYS[3], prefix)
    redis.call('DEL', ARGV[2] .. prefix)
  end
end

local last = tonumber(head.last)
local outcomes = {}
for i = 4, #KEYS do
  local at = 4 * (i - 4) + 3
  local prefix, value, ttl, unlessStanding = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local found = redis.call('MGET', KEYS[i])[1]
  local ban = cjson.decode(value)
  local known = read(found, prefix)
  local made = not known or supersedes(ban, known)
  if made and known and unlessStanding == '1' and stands(known) and known.times >= ban.times then made = false end
  if made then
    last = last + 1
    redis.call('ZADD', KEYS[2], last, prefix)
    if ttl == '' then
      redis.call('SET', KEYS[i], value)
      redis.call('ZREM', KEYS[3], prefix)
      kept = math.max(kept, now + ${EVER_MS})
    else
      redis.call('SET', KEYS[i], value, 'PX', ttl)
      redis.call('ZADD', KEYS[3], now + ttl, prefix)
      kept = math.max(kept, now + ttl + ${DAY_MS})
    end
    outcomes[#outcomes + 1] = ''
  elseif found == value then
    -- Our own, whose answer was lost.
    outcomes[#outcomes + 1] = ''
  else
    outcomes[#outcomes + 1] = found
  end
end

if last > tonumber(head.last) then
  redis.call('HSET', KEYS[1], 'last', last, 'kept', kept)
  for place = 1, 3 do redis.call('PEXPIRE', KEYS[place], kept - now) end
end

forget(redis.call('ZRANGE', KEYS[3], '-inf', now, 'BYSCORE', 'LIMIT', 0, 1000))
local most = tonumber(ARGV[1])
local over = #redis.call('ZRANGE', KEYS[2], most, most + 999)
if over > 0 then forget(redis.call('ZRANGE', KEYS[3], 0, over - 1)) end
return outcomes`);

/** Keys: head, log. Arguments: the number after which, how many at most. Answer: epoch, last number, milliseconds, then prefixes and numbers. */
export const readScript = createScript(`${withHead}
-- Whoever reads keeps it: nothing else may be written for days.
if kept < now + ${DAY_MS / 2} then
  redis.call('HSET', KEYS[1], 'kept', now + ${DAY_MS})
  redis.call('PEXPIRE', KEYS[1], ${DAY_MS})
end
local changed = redis.call('ZRANGE', KEYS[2], '(' .. ARGV[1], '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[2], 'WITHSCORES')
return { head.epoch, tostring(head.last), now, unpack(changed) }`);
