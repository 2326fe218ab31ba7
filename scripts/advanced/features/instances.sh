# Several gateways that are one to their callers.

feature many-instances own 'several gateways share limits and bans over Redis'
show_many_instances() {
  if ! command -v redis-server >/dev/null; then
    leave_out 'needs a redis-server, 7.0 or newer: apt-get install redis-server'
    return 0
  fi
  use_chain
  redis_port=$(node -e 'const server = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(server.address().port); server.close(); })')
  background redis redis-server --bind 127.0.0.1 --port "$redis_port" --save '' --appendonly no --dir "$work"
  redis_pid=$pid
  eventually 'Redis is ready' file_has "$log" 'Ready to accept connections'
  for instance in one two; do
    cat >"$work/$instance.yaml" <<END
server: { listen: "127.0.0.1:0", workers: 1, trusted_proxies: [127.0.0.0/8], state_dir: none }
admin: { listen: "127.0.0.1:0" }
upstreams: [{ url: "$chain" }]
redis: { url: "redis://127.0.0.1:$redis_port", command_timeout: 1s }
limits: { default: { requests: 30, period: 1h, consistency: exact } }
END
  done
  did 'Two gateways with one Redis and a limit of 30 an hour. One caller sent 25 calls to each; then an address was banned at the first; then Redis was killed.'
  begin_gateway one "$work/one.yaml"
  one_log=$log one_pid=$started_pid
  begin_gateway two "$work/two.yaml"
  await_gateway
  two=$started two_admin=$started_admin two_pid=$started_pid
  log=$one_log started_pid=$one_pid started_name=one started_config=$work/one.yaml
  await_gateway
  one=$started one_admin=$started_admin one_pid=$started_pid own_gateway=$gateway
  eventually 'they see each other' instances_are 2 "$one_admin" "$two_admin"
  from 203.0.113.80
  gateway=$one
  first=$(calls 25 eth_blockNumber)
  gateway=$two
  second=$(calls 25 eth_blockNumber)
  polymorph blocklist add 203.0.113.81 --for 1h --admin "$one_admin"
  from 203.0.113.81
  eventually 'the second gateway knows the ban' called 403
  kill -KILL "$redis_pid"
  ended "$redis_pid"
  from 203.0.113.82
  without=$(calls 5 eth_blockNumber)
  gateway=$own_gateway
  kill "$one_pid" "$two_pid"
  ended "$one_pid"
  ended "$two_pid"
  came "the first: $first; the second: $second; the ban of the first holds at the second; without Redis: $without"
  is 'at the first' "$first" '25 × 200'
  is 'at the second' "$second" '5 × 200, 20 × 429'
  is 'calls without Redis' "$without" '5 × 200'
  proves 'The two are one limit to the call and one blocklist; and when Redis dies, callers are served all the same.'
}
instances_are() {
  for instance_admin in "$2" "$3"; do
    [ "$(curl -s "$instance_admin/metrics" | sed -n 's/^polymorph_redis_instances //p')" = "$1" ] || return 1
  done
}
