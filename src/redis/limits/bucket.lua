-- Buckets that instances share: src/limits/testing/shared-bucket.ts, line by line. Both are tested against each other.
-- Before it stands a line that says `now`, in microseconds; after it take.lua or lease.lua. KEYS: the buckets, each once.
-- ARGV begins with the count of shapes and the five numbers of each.

local floor, ceil, max, min, huge = math.floor, math.ceil, math.max, math.min, math.huge
local format, pack, unpackFrom = string.format, struct.pack, struct.unpack

-- What is stored, in little-endian doubles: the shape, level, last, inBurst; then each lease in order of its end.
local FORMAT, HEAD, LEASE = 1, '<Bddddddd', '<ddddBc0'
local HEAD_BYTES = 57
local UNITS_MAX, MS_MAX = 4503599627370496, 9007199254740992
local KEEP_MARGIN_MS, KEEP_MS_MAX = 1000, 315360000000

local arg = 1
local function number()
  local value = tonumber(ARGV[arg])
  arg = arg + 1
  return value
end

local shapes = {}
for i = 1, number() do
  shapes[i] = { max = number(), refill = number(), token = number(), tick = number(), burst = number() }
end

local function mulDivFloor(a, b, m)
  if a >= m then return b end
  local quotient, remainder, rest, bit = 0, 0, b, UNITS_MAX
  while bit >= 1 do
    quotient = quotient * 2
    remainder = remainder * 2
    if remainder >= m then
      remainder = remainder - m
      quotient = quotient + 1
    end
    if rest >= bit then
      rest = rest - bit
      remainder = remainder + a
      if remainder >= m then
        remainder = remainder - m
        quotient = quotient + 1
      end
    end
    bit = bit / 2
  end
  return quotient
end

local function unitsOut(b, but)
  local units = 0
  for i = 1, #b.out do
    if b.out[i].holder ~= but then units = units + b.out[i].units end
  end
  return units
end

local function refill(b, micros, cap)
  local tick = floor(micros / b.tick)
  local level = b.level
  if tick > b.last then level = level + (tick - b.last) * b.refill end
  if level < cap then
    b.level = level
    if tick > b.last then b.last = tick end
  else
    if b.level < cap then b.level = cap end
    b.last = ceil(micros / b.tick)
  end
end

local function reshape(b, to)
  local held = 0
  for i = 1, #b.out do
    local lease = b.out[i]
    lease.units = to.max - mulDivFloor(b.max - lease.units, to.max, b.max)
    lease.granted = mulDivFloor(lease.granted, to.max, b.max)
    held = held + lease.units
  end
  b.level = max(0, min(mulDivFloor(b.level, to.max, b.max), to.max - held))
  b.last = ceil(max(now, b.last * b.tick) / to.tick)
  b.max, b.refill, b.token, b.tick = to.max, to.refill, to.token, to.tick
  b.written = true
  refill(b, now, to.max - held)
end

local function advance(b, shape)
  local held = unitsOut(b)
  local out = b.out
  while out[1] and out[1].until_ <= now do
    refill(b, out[1].until_, b.max - held)
    held = held - out[1].units
    table.remove(out, 1)
  end
  refill(b, now, b.max - held)
  if b.level == b.max then
    b.level = shape.max
    b.last = ceil(now / shape.tick)
    b.inBurst = false
    b.max, b.refill, b.token, b.tick = shape.max, shape.refill, shape.token, shape.tick
  elseif b.max ~= shape.max or b.refill ~= shape.refill or b.token ~= shape.token or b.tick ~= shape.tick then
    reshape(b, shape)
  end
end

local function ticksUntil(need, b)
  if need > b.max then return huge end
  return ceil((need - b.level) / b.refill)
end

local function microsUntil(b, need, free)
  if b.level >= need then return 0 end
  local at = { max = b.max, refill = b.refill, tick = b.tick, level = b.level, last = b.last }
  local held = unitsOut(b, free)
  for i = 1, #b.out do
    local one = b.out[i]
    if one.holder ~= free then
      if b.max - held >= need then
        local micros = (at.last + ticksUntil(need, at)) * at.tick
        if micros <= one.until_ then return max(0, micros - now) end
      end
      refill(at, one.until_, b.max - held)
      held = held - one.units
    end
  end
  return max(0, (at.last + ticksUntil(need, at)) * at.tick - now)
end

local function toMs(micros)
  if micros == huge then return -1 end
  return min(MS_MAX, ceil(micros / 1000))
end

local function load(value)
  if not value or #value < HEAD_BYTES or string.byte(value) ~= FORMAT then return nil end
  local b = { out = {} }
  local inBurst, at, _
  _, b.max, b.refill, b.token, b.tick, b.level, b.last, inBurst, at = unpackFrom(HEAD, value)
  b.inBurst = inBurst == 1
  while at <= #value do
    local one = {}
    one.until_, one.units, one.seq, one.granted, one.holder, at = unpackFrom(LEASE, value, at)
    b.out[#b.out + 1] = one
  end
  return b
end

local stored = redis.call('MGET', unpack(KEYS))
local buckets = {}

-- The bucket of KEYS[k], by the shape, now.
local function bucket(k, shape)
  local b = buckets[k]
  if not b then
    b = load(stored[k])
    if not b then
      b = { max = shape.max, refill = shape.refill, token = shape.token, tick = shape.tick, level = shape.max, last = 0, out = {} }
    end
    buckets[k] = b
  end
  advance(b, shape)
  return b
end

local function store(key, b, was)
  if b.level == b.max then
    if was then redis.call('DEL', key) end
    return
  end
  local value = pack(HEAD, FORMAT, b.max, b.refill, b.token, b.tick, b.level, b.last, b.inBurst and 1 or 0)
  local from = max(now, b.last * b.tick)
  for i = 1, #b.out do
    local one = b.out[i]
    value = value .. pack(LEASE, one.until_, one.units, one.seq, one.granted, #one.holder, one.holder)
    from = max(from, one.until_)
  end
  local micros = from + (ceil((b.max - b.level) / b.refill) + 1) * b.tick - now
  local keepMs = min(KEEP_MS_MAX, ceil(micros / 1000) + KEEP_MARGIN_MS)
  redis.call('SET', key, value, 'PX', format('%.0f', keepMs))
end

local function storeAll()
  for k = 1, #KEYS do
    local b = buckets[k]
    if b and b.written then store(KEYS[k], b, stored[k]) end
  end
end
