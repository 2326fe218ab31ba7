# Answers without a call to the node, and several with one.

feature cache own 'answers that cannot have changed come from memory'
show_cache() {
  use_counting_node main
  use_config <<END
upstreams: [{ url: "$node_main" }]
limits: { default: none }
END
  from 203.0.113.40
  eventually 'the gateway knows what is final' knows_final_block
  behave "$node_main"
  did 'Asked 30 times over one connection how many transactions block 0 has, which is final, and 10 times for an account’s count of transactions with the pending ones, which may change at any time. Counted what reached the node.'
  kept=$(calls 30 eth_getBlockTransactionCountByNumber '["0x0"]')
  reached=$(counted "$node_main" eth_getBlockTransactionCountByNumber)
  fresh=$(calls 10 eth_getTransactionCount '["0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266","pending"]')
  reached_fresh=$(counted "$node_main" eth_getTransactionCount)
  came "final block: $kept, $reached reached the node; pending: $fresh, $reached_fresh reached the node"
  is 'calls about the final block' "$kept" '30 × 200'
  is 'of which reached the node' "$reached" 1
  is 'calls about what is pending' "$reached_fresh" 10
  proves 'What cannot change is asked for once; what may have changed is asked for each time.'
}
knows_final_block() { admin_get /readyz | grep -q '"finalized":[0-9]'; }

feature coalescing own 'identical calls under way share one call to the node'
show_coalescing() {
  use_counting_node main
  use_config <<END
upstreams: [{ url: "$node_main" }]
limits: { default: none }
END
  eventually 'the gateway knows the head' called 200
  from 203.0.113.41
  behave "$node_main" 'delay=1000&for=eth_getUncleCountByBlockNumber'
  did 'The node takes a second for eth_getUncleCountByBlockNumber. Twelve callers ask it about the same block at once, each under an id of its own.'
  for one in 1 2 3 4 5 6 7 8 9 10 11 12; do
    curl -s --max-time 10 $who -d "{\"jsonrpc\":\"2.0\",\"id\":\"caller-$one\",\"method\":\"eth_getUncleCountByBlockNumber\",\"params\":[\"0x0\"]}" "$gateway" >"$work/joined.$one" &
    eval "joined_$one=\$!"
  done
  right=0
  for one in 1 2 3 4 5 6 7 8 9 10 11 12; do
    eval "wait \$joined_$one"
    case $(cat "$work/joined.$one") in *"\"id\":\"caller-$one\""*'"result"'*) right=$((right + 1)) ;; esac
  done
  reached=$(counted "$node_main" eth_getUncleCountByBlockNumber)
  behave "$node_main"
  came "$right of 12 callers got the answer under their id; $reached calls reached the node"
  is 'right answers' "$right" 12
  holds 'calls that reached the node (one for each worker)' "$reached" -le 2
  proves 'A crowd that asks the same is one call to the node for each of the two workers, and nobody gets another one’s id.'
}

feature batched-upstream own 'calls that come together travel to the node in one batch'
show_batched_upstream() {
  use_counting_node main
  use_config <<END
upstreams: [{ url: "$node_main", mode: batched, batch: { max_size: 50, max_wait: 5ms } }]
limits: { default: none }
cache: { enabled: false }
coalesce: false
END
  eventually 'the gateway knows the node' called 200
  behave "$node_main"
  did 'mode: batched. Sent 24 calls of eth_getBalance in one request.'
  items=
  for one in 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33; do
    items="$items${items:+,}{\"jsonrpc\":\"2.0\",\"id\":$one,\"method\":\"eth_getBalance\",\"params\":[\"0x00000000000000000000000000000000000000$one\",\"latest\"]}"
  done
  from 203.0.113.42
  post "[$items]"
  results=$(printf '%s' "$body" | grep -o '"result"' | wc -l | tr -d ' ')
  reached=$(counted "$node_main" eth_getBalance)
  batches=$(counted "$node_main" batches)
  came "$results results; the node saw $reached calls of eth_getBalance in $batches batch(es)"
  is 'results' "$results" 24
  is 'calls at the node' "$reached" 24
  holds 'batches at the node' "$batches" -ge 1
  holds 'batches at the node' "$batches" -le 2
  proves 'A provider that charges for requests sees one or two instead of 24; each caller’s answer is taken out of the batch again.'
}
