# Rate limits: what they are made of, which one holds, and what a caller is told.

feature method-groups own 'methods are grouped by name or pattern, and dear ones cost more'
show_method_groups() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
methods:
  groups: { read: [eth_get*, eth_call] }
  costs: { eth_getLogs: 5 }
limits:
  default: { requests: 1000, period: 1s }
  groups: { read: { requests: 10, period: 1h } }
END
  from 203.0.113.1
  did 'One bucket of 10 tokens for the group read (eth_get*, eth_call); eth_getLogs costs 5, anything else 1. Called eth_getBalance 3 times, eth_getLogs once, eth_getBlockByNumber 4 times, then eth_blockNumber, which is in no group.'
  balances=$(calls 3 eth_getBalance '["0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266","latest"]')
  logs=$(calls 1 eth_getLogs '[{"fromBlock":"0x0","toBlock":"0x0"}]')
  blocks=$(calls 4 eth_getBlockByNumber '["0x0",false]')
  other=$(calls 1 eth_blockNumber)
  came "eth_getBalance $balances; eth_getLogs $logs; eth_getBlockByNumber $blocks; eth_blockNumber $other"
  is 'three calls of the group' "$balances" '3 × 200'
  is 'the dear call' "$logs" '1 × 200'
  is 'what is left of 10 - 3 - 5' "$blocks" '2 × 200, 2 × 429'
  is 'a method outside of the group' "$other" '1 × 200'
  proves 'Methods of a group share one bucket (3 + 5 + 2 = 10 tokens), each call takes its own cost, and what is not in the group goes on.'
}

feature burst own 'a limit has a burst on top, and is exact over all workers'
show_burst() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
limits: { default: { requests: 40, period: 1h, burst_size: 20 } }
END
  from 203.0.113.2
  did 'requests: 40, period: 1h, burst_size: 20. Sent 90 calls over 9 connections, which two workers share.'
  rm -f "$work"/burst.*
  for connection in 1 2 3 4 5 6 7 8 9; do
    calls 10 eth_blockNumber >"$work/burst.$connection" &
    eval "burst_$connection=\$!"
  done
  for connection in 1 2 3 4 5 6 7 8 9; do eval "wait \$burst_$connection"; done
  passed=$(cat "$work"/burst.* | tr ',' '\n' | awk '$3 == 200 { sum += $1 } END { print sum + 0 }')
  limited=$(cat "$work"/burst.* | tr ',' '\n' | awk '$3 == 429 { sum += $1 } END { print sum + 0 }')
  came "$passed × 200, $limited × 429"
  is 'calls that passed' "$passed" 60
  is 'calls that were refused' "$limited" 30
  proves 'Exactly 40 + 20 calls pass at once, however they are spread over connections and workers: the bucket is in memory that all workers share.'
}

feature rule-order own 'the first rule that fits holds: the key’s method, group, all; then method, group, default'
show_rule_order() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
methods: { groups: { read: [eth_get*] } }
limits:
  default: { requests: 6, period: 1h }
  groups: { read: { requests: 5, period: 1h } }
  methods: { eth_gasPrice: { requests: 4, period: 1h } }
keys:
  - name: acme
    key: rule-order-key-of-many-letters
    limits:
      default: { requests: 3, period: 1h }
      groups: { read: { requests: 2, period: 1h } }
      methods: { eth_gasPrice: { requests: 1, period: 1h } }
END
  did 'Six rules of 1 to 6 calls an hour, the key’s own first. Called a method by name, one of the group and another one 7 times each: with the key, then without.'
  rules=
  for caller in key address; do
    if [ "$caller" = key ]; then with_key rule-order-key-of-many-letters; else from 203.0.113.3; fi
    for method in eth_gasPrice eth_getBlockByNumber eth_blockNumber; do
      params='[]'
      [ "$method" != eth_getBlockByNumber ] || params='["0x0",false]'
      rules="$rules $(calls 7 "$method" "$params" | sed -n 's/^\([0-9]*\) × 200.*/\1/p')"
    done
  done
  came "calls that passed:$rules"
  is 'calls that passed' "$rules" ' 1 2 3 4 5 6'
  proves 'Each call was held to the most specific rule and to no other: a key’s own rules go before everybody’s, a method’s before its group’s, a group’s before the default.'
}

feature ceilings own 'ceilings hold in addition: a call takes from all its buckets or from none'
show_ceilings() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
limits:
  default: { requests: 100, period: 1h }
  ceilings: [{ name: per-address, per: address, requests: 5, period: 1h }]
END
  from 203.0.113.4
  did 'A rule of 100 calls an hour and a ceiling of 5 an hour for each address. Called 9 times, then asked what the rule’s bucket still has.'
  all=$(calls 8 eth_blockNumber)
  call eth_blockNumber
  policy=$(printf '%s' "$body" | sed -n 's/.*"policy":"\([^"]*\)".*/\1/p')
  polymorph explain --admin "$admin" --method eth_blockNumber --address 203.0.113.4 --json
  left=$(printf '%s' "$said" | tr -d ' \n' | sed -n 's/.*"policy":"default"[^}]*"after":\([0-9]*\).*/\1/p')
  came "$all, and $status by the limit «$policy»; the rule’s own bucket has $left tokens"
  is 'calls' "$all" '5 × 200, 3 × 429'
  is 'who refused' "$policy" ceiling:per-address
  is 'tokens left of the rule’s own' "$left" 95
  proves 'The calls that the ceiling refused took nothing from the rule’s own bucket: 95 of 100 tokens are left, not 91.'
}

feature shadow-rules own 'a rule in shadow mode counts what it would refuse, and refuses nothing'
show_shadow_rules() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
limits:
  default: { requests: 1000, period: 1s }
  methods: { eth_gasPrice: { requests: 2, period: 1h, mode: shadow } }
END
  from 203.0.113.5
  before=$(metric polymorph_shadow_refused_total)
  did 'A rule of 2 calls an hour for eth_gasPrice, with mode: shadow. Called it 7 times.'
  all=$(calls 7 eth_gasPrice)
  counted=$(($(metric polymorph_shadow_refused_total) - before))
  came "$all; polymorph_shadow_refused_total rose by $counted"
  is 'calls' "$all" '7 × 200'
  is 'would have been refused' "$counted" 5
  proves 'A limit can be tried on live traffic: nobody is refused, and /metrics says that 5 of the 7 calls would have been.'
}

feature rate-limit-headers any 'answers say what is left, and refusals when to come back'
show_rate_limit_headers() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
limits: { default: { requests: 1, period: 2s } }
END
  if [ -n "$given_gateway" ]; then
    did 'Called eth_blockNumber once.'
    call eth_blockNumber
    came "RateLimit-Policy: $(header ratelimit-policy); RateLimit: $(header ratelimit)"
    has 'the header RateLimit-Policy' "$(header ratelimit-policy)" ';w='
    has 'the header RateLimit' "$(header ratelimit)" ';r='
    proves 'Each answer says which limit holds, its size, and what is left of it.'
    return 0
  fi
  from 203.0.113.6
  did 'A limit of one call in two seconds. Called twice at once, waited as long as retryAfterMs says, and called again.'
  call eth_blockNumber
  is 'the first call' "$status" 200
  first="$(header ratelimit-policy), $(header ratelimit)"
  call eth_blockNumber
  is 'the second call' "$status" 429
  retry=$(header retry-after)
  wait_ms=$(printf '%s' "$body" | sed -n 's/.*"retryAfterMs":\([0-9]*\).*/\1/p')
  has 'the refusal' "$body" '"code":-32005'
  holds 'Retry-After in seconds' "$retry" -ge 1
  sleep "$(awk -v ms="$wait_ms" 'BEGIN { print ms / 1000 }')"
  call eth_blockNumber
  came "$first; then 429 with Retry-After: $retry and retryAfterMs $wait_ms; after that wait $status"
  has 'the header RateLimit-Policy' "$first" '"default";q=1;w=2'
  is 'the call after the wait' "$status" 200
  proves 'Standard headers tell a client its limit and what is left, and who waits as long as it was told is served.'
}
