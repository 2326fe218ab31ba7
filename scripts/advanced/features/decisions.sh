# Why a call was answered as it was, what would happen to one, and what batches change: nothing.

feature explain any 'each answer’s request id explains the decision'
show_explain() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
limits: { default: { requests: 100, period: 1s }, methods: { eth_gasPrice: { requests: 1, period: 1h } } }
explain: { sample: 100% }
END
  if [ -n "$given_gateway" ]; then
    did 'Sent a request that is no JSON-RPC call, which every gateway refuses, and asked polymorph explain about its X-Request-Id.'
    post '{"jsonrpc":"2.0","id":1}'
    id=$(header x-request-id)
    polymorph explain "$id" --admin "$admin"
    came "$(printf '%s' "$said" | tr '\n' ' ' | tr -s ' ' | cut -c1-300)"
    has 'the explanation' "$said" "$id"
    proves 'The id that a caller sends you leads to what the gateway decided.'
    return 0
  fi
  from 203.0.113.7
  did 'A limit of one eth_gasPrice an hour. Called it twice and asked polymorph explain about the second answer’s X-Request-Id.'
  call eth_gasPrice
  call eth_gasPrice
  id=$(header x-request-id)
  is 'the second call' "$status" 429
  has 'the error' "$body" "\"requestId\":\"$id\""
  polymorph explain "$id" --admin "$admin"
  came "$(printf '%s' "$said" | tr '\n' ' ' | tr -s ' ' | cut -c1-400)"
  has 'the explanation' "$said" 203.0.113.7
  has 'the explanation' "$said" 'method:eth_gasPrice'
  has 'the explanation' "$said" default
  proves 'From the id alone the operator sees who called, which rule refused the call, which were passed over and what the bucket had.'
}

feature dry-run own 'what would happen to a call now, without making it'
show_dry_run() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
methods: { costs: { eth_getLogs: 10 } }
limits: { default: { requests: 100, period: 1h } }
keys: [{ name: dry, key: dry-run-key-of-many-letters, limits: { default: { requests: 15, period: 1h } } }]
END
  did 'A key with 15 tokens, eth_getLogs costs 10. Asked polymorph explain --method eth_getLogs --key-name dry twice, called once, and asked again.'
  for once in 1 2; do polymorph explain --admin "$admin" --method eth_getLogs --key-name dry; done
  before=$said
  with_key dry-run-key-of-many-letters
  call eth_getLogs '[{"fromBlock":"0x0","toBlock":"0x0"}]'
  is 'the call' "$status" 200
  polymorph explain --admin "$admin" --method eth_getLogs --key-name dry
  came "before: $(printf '%s' "$before" | grep '^Outcome'); after: $(printf '%s' "$said" | grep '^Outcome')"
  lacks 'the answer before' "$before" refused
  has 'the answer after' "$said" refused
  proves 'Asking twice took no token, or the call would have been refused; afterwards 5 tokens are left, and the dry run says that the next call would be.'
}

feature batches own 'a batch cannot slip past limits: each item pays for itself'
show_batches() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
limits: { default: { requests: 4, period: 1h } }
methods: { blocked: [admin_*] }
END
  from 203.0.113.8
  batch='[{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"},{"jsonrpc":"2.0","id":"two","method":"eth_blockNumber"},{"jsonrpc":"2.0","id":3.0,"method":"admin_peers"},{"jsonrpc":"2.0","id":4,"method":"eth_blockNumber"},{"jsonrpc":"2.0","id":5,"method":"eth_blockNumber"},{"jsonrpc":"2.0","id":6,"method":"eth_blockNumber"},{"jsonrpc":"2.0","id":7,"method":"eth_blockNumber"}]'
  did 'A limit of 4 calls and a blocked method. Sent one batch of 7: six calls of eth_blockNumber and one of admin_peers. Then the same batch again.'
  post "$batch"
  first=$status
  results=$(printf '%s' "$body" | grep -o '"result"' | wc -l | tr -d ' ')
  limited=$(printf '%s' "$body" | grep -o '"code":-32005' | wc -l | tr -d ' ')
  blocked=$(printf '%s' "$body" | grep -o '"id":3.0,"error":{"code":-32004' | wc -l | tr -d ' ')
  post "$batch"
  again=$(printf '%s' "$body" | grep -o '"result"' | wc -l | tr -d ' ')
  came "HTTP $first with $results results, $limited × -32005 and $blocked × -32004 under the id 3.0; the second time $again results"
  is 'the status' "$first" 200
  is 'results' "$results" 4
  is 'refused by the limit' "$limited" 2
  is 'refused as blocked' "$blocked" 1
  is 'results of the second batch' "$again" 0
  proves 'Seven calls in one request are seven calls: four pass, each other item gets its own error under its own id, and the next batch gets nothing.'
}
