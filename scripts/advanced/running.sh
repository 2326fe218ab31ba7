# What test_advanced.sh runs: gateways, an Ethereum node, counting nodes before it, a receiver of webhooks, loads.
# All of it is ended by its process id when the script ends, however it does.

work=
pids=

prepare() {
  work=$(mktemp -d "${TMPDIR:-/tmp}/polymorph-advanced.XXXXXX")
  trap 'finish $?' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  gateway=$given_gateway
  admin=$given_admin
  gateway_pid=
  chain=
}

finish() {
  trap - EXIT
  trap '' INT TERM HUP
  for pid in $pids; do kill "$pid" 2>/dev/null || :; done
  # They drain; who takes longer than two seconds is killed.
  tries=0
  while any_alive && [ "$tries" -lt 40 ]; do
    tries=$((tries + 1))
    sleep 0.05
  done
  for pid in $pids; do kill -KILL "$pid" 2>/dev/null || :; done
  wait 2>/dev/null || :
  if [ "$1" = 130 ] || [ "$1" = 143 ]; then
    printf '\nstopped%s; all that was started is ended\n' "${current:+ while showing $current}"
  elif [ -n "$current" ]; then
    [ -e "$work/failed" ] || printf '  %sFAILED%s   a command of this step ended with %s\n' "$red" "$plain" "$1"
    if [ -z "$given_gateway" ]; then complaints; fi
    printf '\n%sFAILED: %s%s (%s). Again, with everything kept: ./test_advanced.sh --only %s --keep\n' "$red" "$current" "$plain" \
      "$(field_of title "$current")" "$current"
  fi
  if [ -n "$keep" ]; then printf 'kept: %s\n' "$work"; else rm -rf "$work"; fi
  exit "$1"
}
any_alive() {
  for pid in $pids; do
    if kill -0 "$pid" 2>/dev/null; then return 0; fi
  done
  return 1
}
# What the gateways' logs have of warnings and errors, for who looks for the reason.
complaints() {
  grep -h -E '"level":"(warn|error|fatal)"' "$work"/*.log 2>/dev/null | tail -n 5 | cut -c1-400 | sed 's/^/           log: /' || :
}

# background NAME COMMAND…: its output goes to NAME.log in the folder, its process id is in $pid.
background() {
  log=$work/$1.log
  shift
  # Here, since the process truncates it only once it runs: what an earlier one wrote must not be taken for its words.
  : >"$log"
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  pids="$pids $pid"
}
# ended PID: waits for a process that was told to end. Its number may be another's from then on.
ended() {
  wait "$1" 2>/dev/null || :
  left=
  for one in $pids; do [ "$one" = "$1" ] || left="$left $one"; done
  pids=$left
}
helper() { printf '%s' "$root/scripts/advanced/$1.ts"; }

# The chain: a local Ethereum node, a block a second. Its address is in $chain.
use_chain() {
  [ -z "$chain$given_gateway" ] || return 0
  anvil=$(node -e 'import(process.argv[1]).then((room) => console.log(room.findAnvil() ?? ""))' "$root/src/commands/anvil.ts")
  [ -n "$anvil" ] || fail 'there is no anvil for this platform in node_modules: give a running gateway by --gateway and --admin'
  mkdir -p "$work/anvil"
  background anvil env HOME="$work/anvil" "$anvil" --host 127.0.0.1 --port 0 --block-time 1 --color never
  eventually 'anvil listens' file_has "$log" 'Listening on'
  chain=http://$(sed -n 's/.*Listening on //p' "$log")
}
# use_counting_node NAME: a node of its own process before the chain, that counts calls and fails when told; $node_NAME, $node_NAME_pid.
use_counting_node() {
  use_chain
  eval "[ -z \"\${node_$1:-}\" ]" || return 0
  background "node-$1" node "$(helper counting-node)" "$chain"
  eventually "the node $1 listens" file_has "$log" '^http'
  eval "node_$1=\$(head -n 1 \"\$log\") node_$1_pid=\$pid"
}
# How a counting node behaves from now on, and forgets what it counted: `behave URL fail=3`, `behave URL delay=200`.
behave() { curl -s --max-time 5 -o "$work/ignored" "$1/behave?${2:-}" || fail "the node $1 does not answer"; }
# counted URL METHOD|requests|batches
counted() { curl -s --max-time 5 "$1/count?of=$2" || fail "the node $1 does not answer"; }

# config_of FOLDER: a config for a gateway whose state is there, from what is on standard input; on standard output.
config_of() {
  cat <<END
server: { listen: "127.0.0.1:0", workers: 2, trusted_proxies: [127.0.0.0/8], state_dir: "$1", drain_timeout: 5s }
admin: { listen: "127.0.0.1:0" }
END
  cat
}

# use_config: the gateway of the features, with this config from standard input from now on: started with it, or reloaded.
# A gateway that was given by --gateway keeps its own.
use_config() {
  [ -z "$given_gateway" ] || return 0
  config_of "$work/state" >"$work/next.yaml"
  if [ -n "$gateway_pid" ]; then
    put_config taken
  else
    mv "$work/next.yaml" "$work/polymorph.yaml"
    start_gateway
  fi
}
# put_config taken|refused: puts next.yaml in place of the running config and waits until the gateway has judged it.
put_config() {
  if cmp -s "$work/next.yaml" "$work/polymorph.yaml"; then return 0; fi
  judged_before=$(judged)
  mv "$work/next.yaml" "$work/polymorph.yaml"
  eventually 'the gateway notices the changed config' judged_since
  verdict=$(grep -E '"msg":"config (not )?reloaded' "$gateway_log" | tail -n 1)
  case $1-$verdict in
    taken-*'config not reloaded'*) fail "the gateway refused its config: $verdict" ;;
    refused-*'config reloaded'*) fail "the gateway took a config that it should refuse: $verdict" ;;
  esac
}
judged() { grep -c -E '"msg":"config (not )?reloaded' "$gateway_log" || :; }
judged_since() { [ "$(judged)" -gt "$judged_before" ]; }

# Starts the gateway of the features with polymorph.yaml; $gateway and $admin are its addresses.
start_gateway() {
  run_gateway gateway "$work/polymorph.yaml"
  gateway_pid=$started_pid gateway_log=$log gateway=$started admin=$started_admin
}
# run_gateway NAME CONFIG: starts one and waits until it serves; $started, $started_admin, $started_pid.
run_gateway() {
  begin_gateway "$1" "$2"
  await_gateway
}
begin_gateway() {
  started_name=$1 started_config=$2 starts=$((${starts:-0} + 1))
  background "$1" "$root/bin/polymorph" start --config "$2" --log-format json
  started_pid=$pid
}
# Ends the one that was started last, and waits for its drain.
stop_gateway() {
  kill "$started_pid"
  ended "$started_pid"
}
await_gateway() {
  tries=0
  until file_has "$log" '"msg":"serving"'; do
    tries=$((tries + 1))
    # A port that the system chose is free for a moment before the gateway listens there: another program was faster.
    if file_has "$log" 'port taken' && [ "$starts" -lt 3 ]; then
      ended "$started_pid"
      begin_gateway "$started_name" "$started_config"
    fi
    if ! kill -0 "$started_pid" 2>/dev/null; then fail "the gateway did not start: $(tail -n 5 "$log")"; fi
    [ "$tries" -lt 400 ] || fail "the gateway does not serve after 20 s: $(tail -n 5 "$log")"
    sleep 0.05
  done
  starts=0
  serving=$(grep '"msg":"serving"' "$log" | tail -n 1)
  started=$(printf '%s' "$serving" | sed -n 's/.*"url":"\([^"]*\)".*/\1/p')
  started_admin=$(printf '%s' "$serving" | sed -n 's/.*"admin":"\([^"]*\)".*/\1/p')
}

# start_load NAME [OPTIONS…]: calls without an end, as fast as they are answered, one after the other on each of its connections.
start_load() {
  load_name=$1
  shift
  background "load-$load_name" node "$(helper load)" "$gateway$path" "$@"
  load_pid=$pid load_log=$log
  eventually 'the load begins' file_has "$load_log" '^calling'
}
# end_load: ends it; $sent, $answered, $refused and $lost are what it counted.
end_load() {
  kill "$load_pid"
  ended "$load_pid"
  sent=$(load_figure sent) answered=$(load_figure answered) refused=$(load_figure refused) lost=$(load_figure lost)
}
load_figure() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$load_log" | tail -n 1; }
