-- ARGV goes on with the holder's name, then asks: the places of key and shape, seq, unspent, want, least, ttlMs, 1 to leave.
-- Answers, for each ask: the units granted, the units left, milliseconds until there is more.

local holder = ARGV[arg]
arg = arg + 1

local answers = {}
local function answer(b, granted, want, least)
  answers[#answers + 1] = granted
  answers[#answers + 1] = b.level
  local next = max(b.token, granted < least and least or 0)
  answers[#answers + 1] = granted < want and toMs(microsUntil(b, next, holder)) or 0
end

local function wholeTokens(units, b)
  return floor(units / b.token) * b.token
end

local function lease(b, seq, unspent, want, least, ttlMs, leave)
  local out = b.out
  local at, had
  for i = 1, #out do
    if out[i].holder == holder then at, had = i, out[i] end
  end
  if had and seq < had.seq then return answer(b, 0, 0, 0) end
  if had then
    table.remove(out, at)
    b.written = true
  end
  if leave then
    if had then b.level = b.level + min(had.units, unspent) end
    return answer(b, 0, 0, 0)
  end
  local granted, units
  if had and seq == had.seq then
    granted = wholeTokens(had.granted, b)
    units = min(had.units, unspent + granted)
  else
    local there = wholeTokens(b.level, b)
    granted = there < least and 0 or min(want, there)
    units = granted
    if had then units = units + min(had.units, unspent) end
    b.level = b.level - granted
  end
  if units > 0 then
    local until_ = max(had and had.until_ or 0, now + ttlMs * 1000)
    local later = #out + 1
    while later > 1 and out[later - 1].until_ > until_ do later = later - 1 end
    table.insert(out, later, { until_ = until_, units = units, seq = seq, granted = granted, holder = holder })
    b.written = true
  end
  answer(b, granted, want, least)
end

for _ = 1, floor((#ARGV - arg + 1) / 8) do
  local b = bucket(number(), shapes[number()])
  lease(b, number(), number(), number(), number(), number(), number() == 1)
end

storeAll()
return answers
