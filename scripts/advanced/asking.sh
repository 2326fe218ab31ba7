# How test_advanced.sh asks the gateway: callers, calls, the admin listener, the command line.

# Without a key, from the peer's own address.
whoever() {
  who=
  path=
  [ -z "$given_key" ] || with_key "$given_key"
}
with_key() { who="-H X-API-Key:$1"; }
# As a caller without a key from this address; the gateway's config trusts 127.0.0.1 as a proxy.
from() { who="-H X-Forwarded-For:$1"; }

# call METHOD [PARAMS] [curl's arguments…]: one call; its answer is in $status, $body and $heads.
call() {
  asked="{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$1\",\"params\":${2:-[]}}"
  shift
  [ $# -eq 0 ] || shift
  post "$asked" "$@"
}
# post BODY [curl's arguments…]
post() {
  asked=$1
  shift
  status=$(curl -s --max-time 15 -o "$work/body" -D "$work/heads" -w '%{http_code}' $who "$@" --data-binary "$asked" "$gateway$path") || status="none (curl ended with $?)"
  body=$(cat "$work/body" 2>/dev/null) || body=
  heads=$(tr -d '\r' <"$work/heads" 2>/dev/null) || heads=
}
# header NAME: of the last answer, its name in lower case.
header() {
  printf '%s\n' "$heads" | awk -v name="$1: " 'tolower(substr($0, 1, length(name))) == name { print substr($0, length(name) + 1); exit }'
}

# calls NUMBER METHOD [PARAMS] [curl's arguments…]: as many calls over one connection; prints their statuses, as in «5 × 200, 3 × 429».
calls() {
  many=$1
  asked="{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$2\",\"params\":${3:-[]}}"
  shift 2
  [ $# -eq 0 ] || shift
  curl -s --max-time 30 -o "$work/ignored" -w '%{http_code}\n' $who "$@" --data-binary "$asked" "$gateway$path?n=[1-$many]" | tally
}
tally() { sort | uniq -c | awk '{ printf "%s%s × %s", (NR > 1 ? ", " : ""), $1, $2 } END { print "" }'; }

# admin PATH [curl's arguments…]: what the admin listener answers.
admin_get() {
  asked=$1
  shift
  curl -s --max-time 15 ${POLYMORPH_ADMIN_TOKEN:+-H "Authorization: Bearer $POLYMORPH_ADMIN_TOKEN"} "$@" "$admin$asked" ||
    fail "the admin listener $admin does not answer $asked"
}
# metric NAME LABELS: the sum of a counter in /metrics over its lines that have LABELS (a literal part of the line).
metric() { admin_get /metrics | awk -v name="$1" -v part="${2:-}" 'index($1, name) == 1 && index($0, part) { sum += $NF } END { print sum + 0 }'; }

# polymorph COMMAND…: the program's command line. Its words are in $said and end in $code; a failure fails the feature.
polymorph() {
  try "$@"
  [ "$code" = 0 ] || fail "polymorph $* ended with $code: $said"
}
try() {
  code=0
  said=$("$root/bin/polymorph" "$@" 2>&1) || code=$?
}

# eventually WHAT COMMAND…: waits, at most ten seconds, until the command holds.
eventually() {
  what=$1
  shift
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "$what: not within ten seconds"
    sleep 0.05
  done
}
# For `eventually`: the file has a line with this pattern; the events of a type are there.
file_has() { grep -q -e "$2" "$1" 2>/dev/null; }
