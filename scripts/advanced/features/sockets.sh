# WebSockets.

feature websocket any 'subscriptions through the gateway: many listeners, one upstream, no gap'
show_websocket() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain", ws_url: "ws${chain#http}" }]
END
  address=ws${gateway#http}${given_key:+/$given_key}
  if [ -n "$given_gateway" ]; then
    did 'Subscribed to newHeads over a WebSocket and waited for two blocks.'
    node "$(helper heads)" "$address" 2 40 >"$work/heads.log" 2>&1 || fail "newHeads at $address: $(tail -n 1 "$work/heads.log")"
    came "$(tr '\n' ';' <"$work/heads.log")"
    proves 'Blocks come as they are made, each the child of the one before.'
    return 0
  fi
  did 'Two clients subscribe to newHeads. Six blocks are mined one after the other; each client must see six in a row.'
  background heads-1 node "$(helper heads)" "$address" 6 15
  first=$pid first_log=$log
  background heads-2 node "$(helper heads)" "$address" 6 15
  second=$pid second_log=$log
  eventually 'the first client is subscribed' file_has "$first_log" subscribed
  eventually 'the second client is subscribed' file_has "$second_log" subscribed
  polymorph explain --sockets --admin "$admin"
  feeds=$said
  for block in 1 2 3 4 5 6; do
    curl -s -o "$work/ignored" -d '{"jsonrpc":"2.0","id":1,"method":"evm_mine"}' "$chain"
    sleep 0.1
  done
  eventually 'the first client has its blocks' file_has "$first_log" 'all in a row'
  eventually 'the second client has its blocks' file_has "$second_log" 'all in a row'
  ended "$first"
  ended "$second"
  came "$(grep -c '^block' "$first_log") and $(grep -c '^block' "$second_log") blocks, all in a row; polymorph explain --sockets: $(printf '%s' "$feeds" | tr '\n' ' ' | tr -s ' ' | cut -c1-400)"
  has 'what explain --sockets says' "$feeds" '2 sockets'
  has 'what explain --sockets says of the one feed' "$(printf '%s' "$feeds" | tr -s ' ')" 'newHeads 2 listen'
  proves 'Every block comes, each the child of the one before; the two clients share one subscription at the node.'
}
