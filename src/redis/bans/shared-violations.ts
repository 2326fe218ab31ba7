import type { SharedViolations } from '../../admission/index.ts';
import { guarded, type RedisGuard } from '../breaker.ts';
import type { RedisClient } from '../client.ts';
import { callScript, createScript } from '../script.ts';

/** A window is cut into so many: what is older than it never counts, what is younger than 7/8 of it always does. */
const SLOTS = 8;
/** Some 0.5 ms of Redis, which serves nobody else meanwhile. */
const ADDRESSES_MAX = 200;

/**
 * Keys: `{bans}:violations:WINDOW:ADDRESS`, each a hash of weights by slot of time, which ends with the window: of another config another one, whose
 * slots mean other times. Arguments: milliseconds of the window, the
 * threshold, then each one's weight. Answer: the sums.
 */
const script = createScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window, threshold = tonumber(ARGV[1]), tonumber(ARGV[2])
local slot = math.floor(now * ${SLOTS} / window)
local sums = {}
for i, key in ipairs(KEYS) do
  local sum, here, gone = tonumber(ARGV[i + 2]), tonumber(ARGV[i + 2]), {}
  local fields = redis.call('HGETALL', key)
  for at = 1, #fields, 2 do
    local age, weight = slot - fields[at], tonumber(fields[at + 1])
    if age >= ${SLOTS} then gone[#gone + 1] = fields[at]
    else
      sum = sum + weight
      if age == 0 then here = here + weight end
    end
  end
  if sum >= threshold then
    redis.call('DEL', key)
  else
    if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
    redis.call('HSET', key, slot, here)
    redis.call('PEXPIRE', key, window)
  end
  sums[i] = sum
end
return sums`);

/** In one slot of a Cluster, so that many are one call. */
export function createSharedViolations({
  client,
  guard,
  prefix,
}: {
  client: RedisClient;
  guard: RedisGuard;
  /** Before each key, such as `pp:`. */
  prefix: string;
}): SharedViolations {
  return {
    async add(weights, { windowMs, threshold }) {
      const sums: number[] = [];
      for (let from = 0; from < weights.length; from += ADDRESSES_MAX) {
        const some = weights.slice(from, from + ADDRESSES_MAX);
        const keys = some.map(({ address }) => `${prefix}{bans}:violations:${windowMs}:${address}`);
        const args = [windowMs, threshold, ...some.map(({ weight }) => weight)];
        sums.push(...((await guarded(guard, () => callScript(client, script, keys, args))) as number[]));
      }
      return sums;
    },
  };
}
