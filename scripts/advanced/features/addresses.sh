# Addresses that are refused: by the config, by hand, by what they do.

feature blocklist own 'lists of addresses and networks that are refused, and exceptions from them'
show_blocklist() {
  use_chain
  printf '# bought list\n192.0.2.0/25\n' >"$work/denied.txt"
  use_config <<END
upstreams: [{ url: "$chain" }]
blocklist: { deny: [198.51.100.0/24], deny_files: [$work/denied.txt], allow: [198.51.100.7] }
END
  did 'deny: 198.51.100.0/24 and a file with 192.0.2.0/25; allow: 198.51.100.7. Called from addresses in and out of them; then an address was added to the file.'
  seen=
  for address in 198.51.100.6 198.51.100.7 192.0.2.1 192.0.2.200; do
    from "$address"
    call eth_blockNumber
    seen="$seen $address: $status;"
  done
  judged_before=$(judged)
  printf '192.0.2.200\n' >>"$work/denied.txt"
  eventually 'the gateway notices the changed list' judged_since
  call eth_blockNumber
  came "${seen# } after the file changed 192.0.2.200: $status"
  is 'answers' "$seen" ' 198.51.100.6: 403; 198.51.100.7: 200; 192.0.2.1: 403; 192.0.2.200: 200;'
  is 'the address that was added' "$status" 403
  proves 'Listed addresses get 403 whatever they send, exceptions win, and a changed list holds without a restart.'
}

feature bans any 'an address is banned by hand, in all workers at once'
show_bans() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
END
  did 'polymorph blocklist add 203.0.113.200 --for 2m; asked whether it is refused; removed the ban.'
  before=
  if [ -z "$given_gateway" ]; then
    from 203.0.113.200
    before=$(calls 4 eth_blockNumber)
  fi
  polymorph blocklist add 203.0.113.200 --for 2m --reason advanced-features --admin "$admin"
  try blocklist test 203.0.113.200 --admin "$admin"
  tested=$said
  during=
  [ -n "$given_gateway" ] || during=$(calls 20 eth_blockNumber)
  polymorph blocklist remove 203.0.113.200 --admin "$admin"
  after=
  [ -n "$given_gateway" ] || after=$(calls 4 eth_blockNumber)
  try blocklist test 203.0.113.200 --admin "$admin"
  came "test: $(printf '%s' "$tested" | head -n 1)${before:+; calls from it before: $before, during: $during, after: $after}"
  has 'what the test says' "$tested" advanced-features
  lacks 'what the test says after it was removed' "$said" advanced-features
  if [ -z "$given_gateway" ]; then
    is 'calls during the ban' "$during" '20 × 403'
    is 'calls after the ban' "$after" '4 × 200'
  fi
  proves 'The ban holds when the command returns, and is gone when it is removed; polymorph blocklist test says which entry it is.'
}

feature auto-ban own 'who keeps breaking the rules is banned by itself, and can be let in again'
show_auto_ban() {
  use_chain
  use_config <<END
upstreams: [{ url: "$chain" }]
blocklist: { auto_ban: { threshold: 30, window: 10s, ban_for: 10m } }
END
  did 'auto_ban at a weight of 30 within 10 s; broken JSON weighs 10. Sent three broken requests from one address, then a good call from it and from its neighbour; then polymorph blocklist allow.'
  from 203.0.113.210
  for request in 1 2 3; do post '{"jsonrpc":'; done
  is 'a broken request' "$status" 400
  eventually 'the address is banned' called 403
  from 203.0.113.211
  call eth_blockNumber
  neighbour=$status
  polymorph blocklist allow 203.0.113.210 --for 1h --admin "$admin"
  from 203.0.113.210
  call eth_blockNumber
  came "banned: 403; its neighbour: $neighbour; after allow: $status"
  is 'the neighbour' "$neighbour" 200
  is 'the address that was allowed' "$status" 200
  has 'the events' "$(admin_get '/stats/billing-events?type=ip.banned&limit=10')" 203.0.113.210
  proves 'An address that misbehaves is banned within moments and nobody else is; the operator’s word goes before the ban.'
}
