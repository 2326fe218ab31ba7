# Several nodes, of which a caller must not notice which is bad. Each is a process of its own before the same chain.

# two_nodes [MORE OF THE CONFIG]: `first` is the primary, `second` its fallback; nothing is kept.
two_nodes() {
  use_counting_node first
  use_counting_node second
  use_config <<END
upstreams:
  - { name: first, url: "$node_first" }
  - { name: second, url: "$node_second", tier: fallback }
limits: { default: none }
cache: { enabled: false }
coalesce: false
health: { interval: 1s }
$1
END
  eventually 'both nodes are up' upstreams_are up up
  behave "$node_first"
  behave "$node_second"
}
# upstreams_are STATE STATE: of the first and the second, by active checks.
upstreams_are() {
  [ "$(metric polymorph_upstream_up 'upstream="first"')" = "$(as_number "$1")" ] && [ "$(metric polymorph_upstream_up 'upstream="second"')" = "$(as_number "$2")" ]
}
as_number() { if [ "$1" = up ]; then echo 1; else echo 0; fi; }

feature failover own 'a node is killed under load, and no caller notices'
show_failover() {
  two_nodes ''
  did 'Four connections call. The first node’s process is killed (kill -9); half a second later the load ends.'
  start_load failover --address=203.0.113.50 --connections=4 --pause=2
  sleep 0.3
  kill -KILL "$node_first_pid"
  ended "$node_first_pid"
  node_first=
  sleep 0.5
  end_load
  took_over=$(counted "$node_second" eth_blockNumber)
  came "$answered answers, $refused errors, $lost lost; $took_over calls went to the second node"
  is 'errors' "$refused" 0
  is 'lost calls' "$lost" 0
  holds 'calls that the second node answered' "$took_over" -gt 5
  proves 'Calls under way on the dead node were asked for at the other one, and new ones went there at once.'
}

feature retry own 'reads that fail are asked for elsewhere; what changes something is not'
show_retry() {
  two_nodes 'explain: { sample: 100% }'
  from 203.0.113.51
  did 'The first node fails its next call. Called eth_gasPrice; then told it to fail again and called eth_sendTransaction, which an account of the node would sign.'
  behave "$node_first" 'fail=1&for=eth_gasPrice'
  call eth_gasPrice
  id=$(header x-request-id)
  read_status=$status
  read_calls="$(counted "$node_first" eth_gasPrice) and $(counted "$node_second" eth_gasPrice)"
  polymorph explain "$id" --admin "$admin"
  attempts=$(printf '%s' "$said" | tr '\n' ' ' | tr -s ' ')
  behave "$node_first" 'fail=1&for=eth_sendTransaction'
  call eth_sendTransaction '[{"from":"0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266","to":"0x70997970c51812dc3a010c7d01b50e0d17dc79c8","value":"0x1"}]'
  write_calls="$(counted "$node_first" eth_sendTransaction) and $(counted "$node_second" eth_sendTransaction)"
  came "$attempts read: $read_status after $read_calls calls at the nodes; transaction: $status after $write_calls"
  is 'the read' "$read_status" 200
  is 'calls for the read' "$read_calls" '1 and 1'
  is 'calls for the transaction' "$write_calls" '1 and 0'
  holds 'the answer to the transaction' "$status" -ge 500
  proves 'A read is answered by the next node without its caller noticing; a transaction that the first node may have taken is never sent twice.'
}

feature circuit-breaker own 'a node that fails is left alone for a while, then tried again'
show_circuit_breaker() {
  use_counting_node lone
  use_config <<END
upstreams: [{ name: lone, url: "$node_lone" }]
limits: { default: none }
cache: { enabled: false }
retry: { attempts: 1 }
breaker: { failures: 3, failure_rate: 50%, open: 2s, trials: 1 }
END
  from 203.0.113.52
  behave "$node_lone" 'fail=all&for=eth_gasPrice'
  did 'The node answers 503 to every eth_gasPrice; breaker: 3 failures, open 2 s. Called 15 times, then the node recovered.'
  broken=$(calls 15 eth_gasPrice)
  reached=$(counted "$node_lone" eth_gasPrice)
  behave "$node_lone"
  call eth_gasPrice
  at_once="$status, $(counted "$node_lone" eth_gasPrice) at the node"
  eventually 'the breaker closes' called_gas_price
  came "while it failed: $broken, of which $reached reached the node; at its recovery: $at_once; after that: $status"
  holds 'calls that reached the node' "$reached" -ge 3
  holds 'calls that reached the node' "$reached" -le 6
  is 'the call at the recovery' "$at_once" '503, 0 at the node'
  proves 'A node in trouble is spared: calls are refused at once in place of waiting for it, and a trial finds out when it is well.'
}
called_gas_price() { call eth_gasPrice && [ "$status" = 200 ]; }

feature health own 'nodes are checked by themselves, and what is wrong is said'
show_health() {
  two_nodes ''
  did 'The first node began to answer 503 to everything, its checks too; then it recovered. Nobody called meanwhile.'
  down_before=$(metric polymorph_billing_events_total 'type="upstream.down"')
  behave "$node_first" 'fail=all'
  eventually 'the first node is found down' upstreams_are down up
  ready=$(admin_get /readyz)
  from 203.0.113.53
  call eth_blockNumber
  behave "$node_first"
  eventually 'the first node is found up' upstreams_are up up
  told=$(($(metric polymorph_billing_events_total 'type="upstream.down"') - down_before))
  problem=$(printf '%s' "$ready" | grep -o '"problem":"default/first[^"]*"')
  came "/readyz: $problem; a call meanwhile: $status; then up again; $told × upstream.down"
  has 'what /readyz says' "$problem" 'default/first is down'
  is 'the call' "$status" 200
  is 'events upstream.down' "$told" 1
  proves 'The gateway knew before any caller did, went on with the other node, told of it by an event, and took the node back by itself.'
}

feature hedging own 'a read that is late is asked for elsewhere as well; the first answer is taken'
show_hedging() {
  use_counting_node first
  use_counting_node second
  use_config <<END
upstreams:
  - { name: first, url: "$node_first", weight: 1000 }
  - { name: second, url: "$node_second" }
limits: { default: none }
cache: { enabled: false }
hedge: { enabled: true, min_delay: 20ms, max_delay: 100ms }
END
  eventually 'both nodes are up' upstreams_are up up
  behave "$node_first" 'delay=3000&for=eth_gasPrice'
  behave "$node_second"
  from 203.0.113.54
  did 'The first node takes 3 s for eth_gasPrice; hedge: at most 100 ms. Called it once.'
  took=$(curl -s --max-time 10 $who -o "$work/body" -w '%{time_total} %{http_code}' -d '{"jsonrpc":"2.0","id":1,"method":"eth_gasPrice"}' "$gateway")
  nodes="$(counted "$node_first" eth_gasPrice) and $(counted "$node_second" eth_gasPrice)"
  behave "$node_first"
  came "${took#* } after ${took% *} s; calls at the nodes: $nodes"
  is 'the answer' "${took#* }" 200
  is 'calls at the nodes' "$nodes" '1 and 1'
  holds 'milliseconds' "$(awk -v s="${took% *}" 'BEGIN { printf "%d", s * 1000 }')" -lt 2000
  proves 'The slow node was asked first, and its caller did not wait for it.'
}
