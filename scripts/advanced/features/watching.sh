# What an operator sees.

feature metrics any 'every call is counted in /metrics for Prometheus'
show_metrics() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
END
  [ -n "$given_gateway" ] || from 203.0.113.60
  part='method="net_listening"'
  before=$(metric polymorph_requests_total "$part")
  did 'Called net_listening 25 times and compared polymorph_requests_total before and after.'
  all=$(calls 25 net_listening)
  after=$(metric polymorph_requests_total "$part")
  came "$all; polymorph_requests_total of the method went from $before to $after; $(admin_get /metrics | grep -c '^# TYPE') metrics in all"
  holds 'calls counted' $((after - before)) -ge 25
  [ -n "$given_gateway" ] || is 'calls counted' $((after - before)) 25
  proves 'The figures are there the moment the answer is: exact, not sampled.'
}

feature stats any '/stats says who calls what, to the call'
show_stats() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
keys: [{ name: counted, key: stats-key-of-many-letters, limits: { default: { requests: 7, period: 1h } } }]
END
  if [ -n "$given_gateway" ]; then
    did 'Called net_listening 5 times and looked at /stats/summary before and after.'
    before=$(total_calls)
    all=$(calls 5 net_listening)
    after=$(total_calls)
    came "$all; calls in the summary: $before, then $after"
    holds 'calls counted' $((after - before)) -ge 5
    proves 'The summary is live and counts each call.'
    return 0
  fi
  with_key stats-key-of-many-letters
  did 'A key with 7 calls an hour called 10 times; asked /stats/identity/counted.'
  all=$(calls 10 net_listening)
  figures=$(admin_get /stats/identity/counted | tr -d ' \n')
  calls=$(printf '%s' "$figures" | grep -o '"calls":[0-9]*' | head -n 1)
  exceeded=$(printf '%s' "$figures" | grep -o '"exceeded":[0-9]*' | head -n 1)
  came "$all; $calls, $exceeded"
  is 'calls' "$calls" '"calls":10'
  is 'refused' "$exceeded" '"exceeded":3'
  proves 'The figures of one key are right to the call, refused ones apart.'
}
total_calls() { admin_get /stats/summary | tr -d ' \n' | sed -n 's/.*"totals":{"calls":\([0-9]*\).*/\1/p'; }

feature top any 'polymorph top shows who calls what, live'
show_top() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
limits: { default: { requests: 20, period: 1s } }
END
  did 'While a caller goes on calling: polymorph top --once --interval 500ms.'
  if [ -n "$given_gateway" ]; then
    start_load top --pause=50 ${given_key:+--key=$given_key}
  else
    start_load top --address=203.0.113.61 --pause=10
  fi
  polymorph top --once --interval 500ms --admin "$admin"
  end_load
  came "$(printf '%s' "$said" | grep -v -E '^ *$| 0 B ' | cut -c1-90)"
  has 'what top shows' "$said" eth_blockNumber
  [ -n "$given_gateway" ] || has 'what top shows' "$said" 203.0.113.61
  proves 'Callers and methods, with rates, refusals and times, in a terminal; without one it prints once, as here.'
}
