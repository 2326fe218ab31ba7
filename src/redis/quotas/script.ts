import { FORGET_MS, QUIET_MS } from '../../limits/index.ts';

/**
 * `answerQuotaAsk` on Redis. A hash a quota and period:
 *   u        used
 *   t        milliseconds, when something was used last
 *   o:NAME   what NAME holds: units, number of its last ask, what that was granted, when
 *   l:NAME   sum of a ledger
 */
export const quotaScript = `
local key = KEYS[1]
local instance, seq, after = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local spent, known, unspent = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local want, least, limit = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local instances, ledger, ledgerSum = tonumber(ARGV[10]), ARGV[11], tonumber(ARGV[12])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function text(number) return string.format('%.17g', number) end

local used, usedAt
local out, ledgers = {}, {}
local all = redis.call('HGETALL', key)
for at = 1, #all, 2 do
  local name, value = all[at], all[at + 1]
  local kind = string.sub(name, 1, 2)
  if name == 'u' then used = tonumber(value)
  elseif name == 't' then usedAt = tonumber(value)
  elseif kind == 'o:' then
    local units, number, granted, atMs = string.match(value, '^(%S+) (%S+) (%S+) (%S+)$')
    out[string.sub(name, 3)] = { tonumber(units), tonumber(number), tonumber(granted), tonumber(atMs) }
  elseif kind == 'l:' then ledgers[string.sub(name, 3)] = tonumber(value) end
end
used = used or 0
usedAt = usedAt or now

local home = string.match(instance, '^(.*/)') or ''
local function elsewhere()
  local sum = 0
  for name, held in pairs(out) do if name ~= instance then sum = sum + held[1] end end
  return sum
end
local function grant()
  local left = limit - used - elsewhere() - unspent
  local granted = math.min(want, left, math.max(least, math.floor(left / (2 * instances))))
  if granted < least then return 0 end
  return granted
end

local mine = out[instance]
if mine and mine[2] == seq then
  return { text(mine[3]), text(used), text(elsewhere()) }
end

local changes, gone = {}, {}
local function set(name, value)
  changes[#changes + 1] = name
  changes[#changes + 1] = value
end

ledgers[ledger] = math.max(ledgers[ledger] or 0, ledgerSum)
local inLedgers = 0
for _, sum in pairs(ledgers) do inLedgers = inLedgers + sum end
if mine and mine[2] == after then
  used = math.max(0, used + spent)
  used = math.max(used, inLedgers - elsewhere() - unspent)
else
  used = math.max(used + math.max(0, spent), known, inLedgers + math.max(0, spent))
  for name, held in pairs(out) do
    if held[1] == 0 and now - held[4] > ${FORGET_MS} then
      gone[#gone + 1] = 'o:' .. name
      out[name] = nil
    end
  end
end
if spent ~= 0 then usedAt = now end

local granted = grant()
if granted == 0 and want > 0 and now - usedAt >= ${QUIET_MS} and inLedgers >= used then
  local held = 0
  for name, each in pairs(out) do
    if name ~= instance and string.sub(name, 1, #home) == home then
      held = held + each[1]
      gone[#gone + 1] = 'o:' .. name
      out[name] = nil
    end
  end
  used = used + math.min(held, inLedgers - used)
  granted = grant()
end

set('u', text(used))
set('t', text(usedAt))
set('l:' .. ledger, text(ledgers[ledger]))
set('o:' .. instance, text(unspent + granted) .. ' ' .. text(seq) .. ' ' .. text(granted) .. ' ' .. text(now))
if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
redis.call('HSET', key, unpack(changes))
redis.call('PEXPIREAT', key, ARGV[13])
return { text(granted), text(used), text(elsewhere()) }
`;
