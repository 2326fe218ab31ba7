# Who is calling: keys of the config and of the store, and what they may use in a month.

feature key-places own 'an API key is taken in four places, and never falls back to anonymous'
show_key_places() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
limits: { default: { requests: 100, period: 1s } }
keys: [{ name: places, key: places-key-of-many-letters, limits: { default: { requests: 777, period: 1s } } }]
END
  key=places-key-of-many-letters
  did 'Called with one key as X-API-Key, as Authorization: Bearer, in the path and as ?api_key=; then with a wrong key, and with two different ones.'
  places=
  who="-H X-API-Key:$key"
  call eth_blockNumber && places="$places $status/$(header ratelimit-policy)"
  who=
  call eth_blockNumber '[]' -H "Authorization: Bearer $key" && places="$places $status/$(header ratelimit-policy)"
  path=/$key
  call eth_blockNumber && places="$places $status/$(header ratelimit-policy)"
  path="/?api_key=$key"
  call eth_blockNumber && places="$places $status/$(header ratelimit-policy)"
  path=
  call eth_blockNumber '[]' -H 'X-API-Key: a-wrong-key-of-many-letters'
  wrong_key=$status
  call eth_blockNumber '[]' -H "X-API-Key: $key" -H 'Authorization: Bearer another-key-of-many-letters'
  came "in its four places:$places; a wrong key: $wrong_key; two keys: $status"
  is 'the four places' "$(printf '%s\n' $places | grep -c '^200/.*q=777;')" 4
  is 'a wrong key' "$wrong_key" 401
  is 'two different keys' "$status" 401
  lacks 'the log of the gateway' "$(cat "$gateway_log")" "$key"
  proves 'In all four places the key’s own limit of 777 holds; a wrong key is refused and not served as nobody; the key itself is not in the log.'
}

feature live-keys own 'keys are made, rotated, limited and disabled while the gateway runs'
show_live_keys() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
END
  store="--config $work/polymorph.yaml"
  did 'polymorph users create; keys create; keys limits --set *=555/1s; keys rotate --grace 1h; keys disable. After each, called with the key.'
  polymorph users create live@example.com $store
  polymorph keys create --user live@example.com --name live $store
  first=$(printf '%s\n' "$said" | grep -o 'pp_live_[0-9A-Za-z]*' | head -n 1)
  with_key "$first"
  eventually 'the new key is served' called 200
  polymorph keys limits live --set '*=555/1s' $store
  eventually 'the new limit holds' called 200 'q=555;'
  polymorph keys rotate live --grace 1h $store
  second=$(printf '%s\n' "$said" | grep -o 'pp_live_[0-9A-Za-z]*' | head -n 1)
  with_key "$second"
  eventually 'the key that took its place is served' called 200 'q=555;'
  with_key "$first"
  call eth_blockNumber
  grace=$status
  polymorph keys disable live $store
  eventually 'the old key is refused' called 401
  with_key "$second"
  eventually 'the new key is refused' called 401
  came "made: 200; limited: q=555; rotated: new 200, old $grace; disabled: both 401"
  is 'the old key within its grace' "$grace" 200
  lacks 'two keys' "$first" "$second"
  proves 'Each change acted on the running gateway within moments, without a reload; the old key works on for its grace, so a caller can change over.'
}
# called STATUS [POLICY]: a call now is answered so.
called() {
  call eth_blockNumber
  [ "$status" = "$1" ] && case "$(header ratelimit-policy)" in *"${2:-}"*) ;; *) false ;; esac
}

feature quotas own 'a monthly quota warns before it ends, and then refuses with 402'
show_quotas() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
keys:
  - { name: quota, key: quota-key-of-many-letters, quota: { requests: 10, period: month, warn_at: [50, 90] } }
END
  with_key quota-key-of-many-letters
  did 'A key with 10 calls a month and warnings at 50 and 90 %. Called 12 times, then looked for the events.'
  all=$(calls 12 eth_blockNumber)
  call eth_blockNumber
  eventually 'the three events' quota_told
  came "$all; the error: $(printf '%s' "$body" | cut -c1-300); events: 2 × quota.warning, quota.exceeded"
  is 'calls' "$all" '10 × 200, 2 × 402'
  has 'the error' "$body" '"code":402'
  has 'the error' "$body" resetsAt
  proves 'Exactly ten calls were answered. 402 is an error that clients do not repeat, it says when the quota begins anew, and the seller was told at 50 and at 90 %.'
}
quota_told() {
  told=$(admin_get '/stats/billing-events?type=quota.*&limit=50' | tr -d ' ' | grep -o '"type":"quota\.[a-z]*"' | sort | uniq -c | tr -d ' \n')
  [ "$told" = '1"type":"quota.exceeded"2"type":"quota.warning"' ]
}
