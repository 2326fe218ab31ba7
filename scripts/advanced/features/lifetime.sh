# How a gateway begins and ends.

feature tls own 'TLS on the public listener'
show_tls() {
  use_chain
  node --input-type=module -e '
    import { writeFileSync } from "node:fs";
    const { certA, keyA } = await import(process.argv[1]);
    writeFileSync(process.argv[2] + "/cert.pem", certA);
    writeFileSync(process.argv[2] + "/key.pem", keyA);
  ' "$root/src/config/testing/certificates.ts" "$work"
  cat >"$work/tls.yaml" <<END
server: { listen: "127.0.0.1:0", workers: 1, state_dir: none, tls: { cert: "$work/cert.pem", key: "$work/key.pem" } }
admin: { listen: "127.0.0.1:0" }
upstreams: [{ url: "$chain" }]
END
  did 'A gateway of its own with server.tls and a self-signed certificate for the name «a». Called by https with that certificate trusted, by https without, and by plain http.'
  run_gateway tls "$work/tls.yaml"
  port=${started##*:}
  asked='{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'
  trusted=$(curl -s --max-time 10 --cacert "$work/cert.pem" --resolve "a:$port:127.0.0.1" -d "$asked" "https://a:$port" || :)
  distrusted=$(curl -s --max-time 10 --resolve "a:$port:127.0.0.1" -o "$work/ignored" -w '%{http_code}' -d "$asked" "https://a:$port" || :)
  plainly=$(curl -s --max-time 10 -o "$work/ignored" -w '%{http_code}' -d "$asked" "http://127.0.0.1:$port" || :)
  stop_gateway
  came "the certificate trusted: $trusted; not trusted: $distrusted; plain http: $plainly"
  has 'the answer over TLS' "$trusted" '"result":"0x7a69"'
  is 'the answer to a client that does not trust it' "$distrusted" 000
  [ "$plainly" != 200 ] || fail 'plain http was answered on the TLS listener'
  proves 'Calls travel encrypted, a client verifies whom it talks to, and nothing is served in the clear on that port.'
}

node_has_it() { [ "$(counted "$node_main" eth_gasPrice)" = 1 ]; }

feature restart own 'SIGTERM finishes what is under way; a restart goes on where it was'
show_restart() {
  use_counting_node main
  use_config <<END
upstreams: [{ url: "$node_main" }]
limits: { default: { requests: 6, period: 1h } }
cache: { enabled: false }
END
  from 203.0.113.70
  did 'A limit of 6 an hour. Called 3 times; then once more with a node that takes 0.7 s, and SIGTERM while the node had it. Started again, and called 5 times.'
  before=$(calls 3 eth_blockNumber)
  is 'calls before' "$before" '3 × 200'
  behave "$node_main" 'delay=700&for=eth_gasPrice'
  curl -s --max-time 10 $who -o "$work/ignored" -w '%{http_code}' -d '{"jsonrpc":"2.0","id":1,"method":"eth_gasPrice"}' "$gateway" >"$work/last" &
  last=$!
  eventually 'the call is at the node' node_has_it
  kill "$gateway_pid"
  wait "$last" || :
  code=0
  wait "$gateway_pid" || code=$?
  ended "$gateway_pid"
  behave "$node_main"
  start_gateway
  after=$(calls 5 eth_blockNumber)
  came "the call under way: $(cat "$work/last"); the gateway ended with $code; after the restart: $after"
  is 'the call under way' "$(cat "$work/last")" 200
  is 'how the gateway ended' "$code" 0
  is 'calls after the restart' "$after" '2 × 200, 3 × 429'
  proves 'A restart cuts no call off, and gives no caller a full bucket: of 6 tokens 4 were used before, so 2 are left.'
}
