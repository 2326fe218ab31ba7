-- wrk -s wrk.lua URL -- POOL DEPTH THREADS
-- POOL has one "key<TAB>body" a line; requests go round it, DEPTH of them in one write. Each of the THREADS has a share
-- of its own, so that no two of them send the same call.
local pool, at, started = {}, 0, 0

function setup(thread)
  thread:set("number", started)
  started = started + 1
end

function init(args)
  local depth, threads = tonumber(args[2]), tonumber(args[3])
  local lines = {}
  for line in io.lines(args[1]) do lines[#lines + 1] = line end
  for first = 1 + number * depth, #lines - depth + 1, depth * threads do
    local group = {}
    for i = first, first + depth - 1 do
      local key, body = lines[i]:match("^(%S+)\t(.*)$")
      local headers = { ["Content-Type"] = "application/json", ["X-API-Key"] = key }
      group[#group + 1] = wrk.format("POST", nil, headers, body)
    end
    pool[#pool + 1] = table.concat(group)
  end
end

function request()
  at = at % #pool + 1
  return pool[at]
end

function done(summary)
  local e = summary.errors
  io.write(string.format(
    '\nSUMMARY {"requests":%d,"microseconds":%d,"bytes":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}\n',
    summary.requests, summary.duration, summary.bytes, e.connect, e.read, e.write, e.timeout, e.status))
end
