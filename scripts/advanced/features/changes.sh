# Changes of the config: taken over while calls go on, looked at beforehand, tried on what was recorded.

limits_of() { printf 'upstreams: [{ url: "%s" }]\nlimits: { default: { requests: %s, period: 1s } }\n' "$chain" "$1"; }

feature hot-reload own 'a changed config is taken over without a dropped call'
show_hot_reload() {
  use_chain
  limits_of 100000 | use_config
  did 'Four connections call all the time while the config file is replaced ten times, each time with another limit.'
  start_load reload --address=203.0.113.30 --connections=4 --pause=2
  for limit in 1 2 3 4 5 6 7 8 9 10; do
    limits_of "20000$limit" | config_of "$work/state" >"$work/next.yaml"
    put_config taken
  done
  end_load
  slowest=$(grep '"msg":"config reloaded"' "$gateway_log" | tail -n 10 | sed -n 's/.*"tookMs":\([0-9]*\).*/\1/p' | sort -n | tail -n 1)
  from 203.0.113.30
  call eth_blockNumber
  came "$answered answers, $refused refused, $lost lost; the slowest change was in use by all workers after $slowest ms; now: $(header ratelimit-policy)"
  holds 'answers' "$answered" -gt 100
  is 'lost calls' "$lost" 0
  is 'refused calls' "$refused" 0
  has 'the limit that holds now' "$(header ratelimit-policy)" q=2000010
  proves 'The new rules are swapped between two calls: nothing was dropped, delayed or refused for the change.'
}

feature bad-config own 'a config that cannot be used changes nothing, and says what is wrong where'
show_bad_config() {
  use_chain
  limits_of 321 | use_config
  did 'Replaced the file with one where requests: lots stands, and one that is no YAML; called after each; then put a good one.'
  limits_of lots | config_of "$work/state" >"$work/next.yaml"
  put_config refused
  complaint=$(printf '%s' "$verdict" | grep -o 'polymorph.yaml:[0-9]*:[0-9]*' | head -n 1)
  from 203.0.113.31
  call eth_blockNumber
  first="$status $(header ratelimit-policy)"
  ready=$(admin_get /readyz)
  printf 'limits: [' >"$work/next.yaml"
  put_config refused
  call eth_blockNumber
  second="$status $(header ratelimit-policy)"
  limits_of 322 | use_config
  call eth_blockNumber
  came "the log names $complaint; meanwhile: $first; then: $second; with the good file: $(header ratelimit-policy)"
  has 'the log' "$complaint" polymorph.yaml:4:
  has 'the first answer' "$first" '200 "default";q=321;'
  has 'the second answer' "$second" '200 "default";q=321;'
  has 'the health' "$ready" degraded
  has 'the limit of the good file' "$(header ratelimit-policy)" 'q=322;'
  proves 'The old config goes on unchanged, /readyz says degraded, the log says file, line and column, and the next good file is taken.'
}

feature plan own 'what a new config would change is said before it is put in place'
show_plan() {
  use_chain
  { limits_of 100 && printf 'methods: { blocked: [admin_*] }\n'; } >"$work/old.yaml"
  { limits_of 50 && printf 'methods: { blocked: [admin_*, debug_*] }\n'; } >"$work/new.yaml"
  did 'polymorph check of both files, and polymorph plan old.yaml new.yaml: half the limit, one more blocked pattern.'
  polymorph check "$work/new.yaml"
  polymorph plan "$work/old.yaml" "$work/new.yaml"
  planned=$said
  polymorph plan "$work/old.yaml" "$work/old.yaml"
  came "$(printf '%s' "$planned" | tr '\n' ' ' | tr -s ' ' | cut -c1-500)"
  has 'the plan' "$planned" 100
  has 'the plan' "$planned" 50
  has 'the plan' "$planned" 'debug_*'
  lacks 'the plan of the same file twice' "$said" 'debug_*'
  proves 'The change is told in words, what it means for callers among them, before anybody meets it.'
}

feature simulate own 'another config is tried on the traffic of yesterday'
show_simulate() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
limits: { default: none }
logging: { access_sample: 100%, access_max_per_second: 5000 }
END
  did 'Recorded 30 calls from one address and 5 from another in the access log, and replayed it with polymorph simulate against a limit of 12 an hour.'
  from 203.0.113.32
  busy=$(calls 30 eth_blockNumber)
  from 203.0.113.33
  calm=$(calls 5 eth_blockNumber)
  is 'the recorded calls' "$busy, $calm" '30 × 200, 5 × 200'
  printf 'upstreams: [{ url: "%s" }]\nlimits: { default: { requests: 12, period: 1h } }\n' "$chain" >"$work/stricter.yaml"
  eventually 'the log has the calls' logged 35
  polymorph simulate "$work/stricter.yaml" --log "$gateway_log" --json
  refused_calls=$(printf '%s' "$said" | tr -d ' \n' | sed -n 's/.*"refused":\([0-9]*\).*/\1/p')
  came "$(printf '%s' "$said" | tr -d '\n' | tr -s ' ' | cut -c1-400)"
  has 'who would be limited' "$said" 203.0.113.32
  lacks 'who would be limited' "$(printf '%s' "$said" | tr -d ' \n' | sed 's/.*"limited"//')" 203.0.113.33
  proves 'The stricter limit would refuse 18 calls of the busy caller and none of the calm one: known before anybody meets it.'
}
logged() { [ "$(grep -c '"kind":"access"' "$gateway_log")" -ge "$1" ]; }
