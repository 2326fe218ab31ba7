# Usage is money: it is exact, survives a kill, and ends on an invoice.

feature exact-usage own 'usage is exact: the gateway is killed under load, and not one answered call is lost'
show_exact_usage() {
  use_chain
  config_of "$work/exact" >"$work/exact.yaml" <<END
upstreams: [{ url: "$chain" }]
limits: { default: none }
keys: [{ name: exact, key: exact-key-of-many-letters }]
END
  did 'A gateway with a folder of its own. Four connections call with a key; after half a second the gateway is killed (kill -9) under them. Started again on its folder, and reconciled with what the callers counted.'
  own_gateway=$gateway
  run_gateway exact "$work/exact.yaml"
  gateway=$started
  start_load exact --key=exact-key-of-many-letters --connections=4 --pause=1 --counts="$work/exact" --name=exact
  sleep 0.5
  kill -KILL "$started_pid"
  ended "$started_pid"
  end_load
  gateway=$own_gateway
  holds 'answers before the kill' "$answered" -gt 0
  holds 'calls that the kill cut off' "$lost" -gt 0
  run_gateway exact "$work/exact.yaml"
  polymorph reconcile --config "$work/exact.yaml" --to 2100-01-01 --received "$work/exact-received.json" --sent "$work/exact-sent.json"
  stop_gateway
  figures=$(printf '%s\n' "$said" | awk '/^(answers received|journal|ledger|calls sent) /{ sub(/  +/, ": "); sub(/  .*/, ""); printf "%s%s", sep, $0; sep = "; " }')
  came "$figures; reconcile found no difference"
  for one in "answers received: $(with_commas "$answered")" journal ledger "calls sent: $(with_commas "$sent")"; do has 'what reconcile compared' "$figures" "$one"; done
  proves 'Usage is on disk before an answer leaves: whatever a caller received is in the ledger after a kill -9, nothing twice, and nothing that was not called: answers received ≤ journal = ledger ≤ calls sent.'
}
# 1247 as the command line prints it: 1,247.
with_commas() { printf '%s' "$1" | sed 's/\([0-9]\)\([0-9][0-9][0-9]\)$/\1,\2/'; }

feature plans-and-invoices own 'plans say what keys may do and cost; usage becomes an invoice to the cent'
show_plans_and_invoices() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
methods: { costs: { eth_getLogs: 10 } }
END
  store="--config $work/polymorph.yaml"
  did 'A plan: 49.00 USD a month, 20 cost units included, 0.50 for 10 more, 30 calls a second. A user and a key on it. Called eth_blockNumber 15 times and eth_getLogs (10 units) 3 times: 45 units.'
  polymorph plans put pro --currency USD --monthly-fee 49.00 --included 20 --price 0.50 --per 10 --set '*=30/1s+30' $store
  polymorph users create ada@example.com --name 'Ada Lovelace' --tier pro $store
  polymorph keys create --user ada@example.com --name ada $store
  with_key "$(printf '%s\n' "$said" | grep -o 'pp_live_[0-9A-Za-z]*' | head -n 1)"
  # Until the key is known here its calls are refused, and cost nothing.
  eventually 'the new key is served' called 200
  has 'the limit of its plan' "$(header ratelimit-policy)" 'q=60;'
  plain_calls=$(calls 14 eth_blockNumber)
  dear_calls=$(calls 3 eth_getLogs '[{"fromBlock":"0x0","toBlock":"0x0"}]')
  is 'the calls' "$plain_calls, $dear_calls" '14 × 200, 3 × 200'
  # The ledger takes usage from the journals once a second.
  sleep 1
  eventually 'the ledger has the usage' invoiced 45
  came "$(printf '%s' "$said" | tr '\n' ' ' | tr -s ' ' | cut -c1-700)"
  has 'the invoice' "$said" 50.25
  proves '25 units beyond the 20 included at 0.50 for 10 are 1.25; with the fee the draft says 50.25. Money is kept in whole smallest units, so nothing is rounded on the way.'
}
invoiced() {
  polymorph invoice --user ada@example.com --month "$(date -u +%Y-%m)" --draft $store
  case $said in *"$1"*) ;; *) false ;; esac
}

feature backup own 'the store is copied whole while the gateway runs'
show_backup() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
END
  did 'Made a user and a key, and copied the store by polymorph backup while calls went on. Put the copy into an empty folder, as a restore does, and asked it for the key.'
  store="--config $work/polymorph.yaml"
  polymorph users create backup@example.com $store
  polymorph keys create --user backup@example.com --name kept $store
  mkdir -p "$work/restored"
  start_load backup --address=203.0.113.12
  polymorph backup "$work/restored/polymorph.db" $store
  end_load
  printf 'upstreams: [{ url: "%s" }]\n' "$chain" | config_of "$work/restored" >"$work/restored.yaml"
  polymorph keys show kept --config "$work/restored.yaml"
  came "$answered calls answered meanwhile, $lost lost; the copy has: $(printf '%s' "$said" | tr '\n' ' ' | tr -s ' ' | cut -c1-200)"
  is 'lost calls' "$lost" 0
  has 'the key in the copy' "$said" backup@example.com
  proves 'A back-up is a whole store as of one moment, taken without stopping anything, and putting it in place is all there is to restoring it.'
}
