-- ARGV goes on with takes: the cost in tokens, the count of buckets, and for each the places of its key and its shape.
-- Answers, for each take: the bits of those that refused, the bits in their burst, 1 if depleted, milliseconds to
-- wait (-1: for ever), and the units that were in each bucket.

local answers = {}
local function say(value)
  answers[#answers + 1] = value
end

local bits = { 1, 2, 4, 8, 16, 32, 64, 128 }

while arg <= #ARGV do
  local cost, count = number(), number()
  local chain, tokens, before = {}, {}, {}
  local refused, bursting, depleted, wait = 0, 0, 0, 0
  for i = 1, count do
    local k, shape = number(), shapes[number()]
    local b = bucket(k, shape)
    local need = cost * shape.token
    chain[i], tokens[i], before[i] = b, need, b.level
    if b.level >= need then
      if cost > 0 and b.level - need < shape.burst then bursting = bursting + bits[i] end
      b.bursts = cost > 0 and b.level - need < shape.burst
      b.refuses = false
    else
      refused = refused + bits[i]
      b.refuses = true
      if b.inBurst then depleted = 1 end
      wait = max(wait, microsUntil(b, need))
    end
  end
  for i = 1, count do
    local b = chain[i]
    if refused == 0 and cost > 0 then
      b.level = before[i] - tokens[i]
      b.inBurst = b.bursts
      b.written = true
    elseif b.refuses and b.inBurst then
      b.inBurst = false
      b.written = true
    end
  end
  say(refused)
  say(refused == 0 and bursting or 0)
  say(depleted)
  say(toMs(wait))
  for i = 1, count do say(before[i]) end
end

storeAll()
return answers
