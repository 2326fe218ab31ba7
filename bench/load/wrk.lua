-- wrk -s wrk.lua URL -- POOL DEPTH
-- POOL has one "key<TAB>body" a line; requests go round it, DEPTH of them in one write.
local pool, at = {}, 0

function init(args)
  local depth = tonumber(args[2])
  local lines = {}
  for line in io.lines(args[1]) do lines[#lines + 1] = line end
  for first = 1, #lines - depth + 1, depth do
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
