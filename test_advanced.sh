#!/bin/sh
# Shows every advanced feature of PolymorphProxy, one after the other, against real programs on this machine; says of each
# what was done, what came back and what that proves; ends with 1 at the first that does not hold.
# docs/ADVANCED_FEATURES.md explains the features.
set -eu
root=$(unset CDPATH && cd -P -- "$(dirname -- "$0")" && pwd)
. "$root/scripts/setup.sh"
. "$root/scripts/advanced/telling.sh"
. "$root/scripts/advanced/asking.sh"
. "$root/scripts/advanced/running.sh"

usage() {
  cat <<'END'
Usage: ./test_advanced.sh [OPTIONS]

Shows every advanced feature of PolymorphProxy and says what each step proves. Starts what it needs (a gateway with a
config of its own, a local Ethereum node, a receiver of webhooks), on free ports of 127.0.0.1 and in a temporary folder,
and ends and removes all of it again. Needs sh, curl and Node; takes about a minute.

  --list           the features' names and titles, and end; * marks those that a running gateway can be asked for
  --only NAME      this feature alone; may be given again
  --keep           leave the folder with configs, logs and answers, and say where it is
  --gateway URL    show the features on this running gateway instead, as far as they need no config of their own
  --admin URL      its admin listener; goes with --gateway
  --token TOKEN    its admin token; default: POLYMORPH_ADMIN_TOKEN from the environment
  --key KEY        call it with this API key; default: without one
  --help           this text

The URL of --gateway is that of one network: http://127.0.0.1:8540, or http://127.0.0.1:8540/eth.
Exit code: 0 every feature held, or was left out with its reason; 1 one did not, which is named last; 2 wrong usage, or
the machine lacks something; 130 and 143 after Ctrl-C and SIGTERM.
END
}

features=
# feature NAME own|any TITLE: `own` needs a config of its own, `any` any running gateway. Its function is show_NAME.
feature() {
  features="$features $1"
  eval "needs_$(identifier "$1")=\$2 title_$(identifier "$1")=\$3"
}
identifier() { printf '%s' "$1" | tr - _; }
field_of() { eval "printf '%s' \"\${$1_$(identifier "$2")}\""; }

for file in limits decisions callers usage told addresses changes answers upstreams sockets watching lifetime instances; do
  . "$root/scripts/advanced/features/$file.sh"
done

wrong() {
  printf 'test_advanced.sh: %s\nTry ./test_advanced.sh --help\n' "$1" >&2
  exit 2
}

only=
keep=
given_gateway=
given_admin=
given_key=
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage && exit 0 ;;
    --list)
      for name in $features; do
        mark=' '
        [ "$(field_of needs "$name")" = own ] || mark='*'
        printf '%-20s %s %s\n' "$name" "$mark" "$(field_of title "$name")"
      done
      exit 0
      ;;
    --keep) keep=yes ;;
    --only | --gateway | --admin | --token | --key)
      [ $# -ge 2 ] || wrong "$1 needs a value"
      case $1 in
        --only)
          case " $features " in
            *" $2 "*) only="$only $2" ;;
            *) wrong "no feature is called $2; --list names them" ;;
          esac
          ;;
        --gateway) given_gateway=${2%/} ;;
        --admin) given_admin=${2%/} ;;
        --token) POLYMORPH_ADMIN_TOKEN=$2 && export POLYMORPH_ADMIN_TOKEN ;;
        --key) given_key=$2 ;;
      esac
      shift
      ;;
    *) wrong "unknown option $1" ;;
  esac
  shift
done
if [ -n "$given_gateway$given_admin$given_key" ]; then
  if [ -z "$given_gateway" ] || [ -z "$given_admin" ]; then wrong '--gateway and --admin go together, and --key with them'; fi
fi
command -v curl >/dev/null || wrong 'curl is needed; install it (apt-get install curl)'
use_node
use_dependencies
prepare

only=${only:-$features}
count=$(printf '%s\n' $only | wc -l | tr -d ' ')
number=0
held=0
left_out=0
began=$(date +%s)
for name in $only; do
  number=$((number + 1))
  begin_feature "$name"
  if [ -n "$given_gateway" ] && [ "$(field_of needs "$name")" = own ]; then
    leave_out 'needs a config of its own: run ./test_advanced.sh without --gateway'
  else
    whoever
    "show_$(identifier "$name")"
  fi
  end_feature
done
current=
printf '\n%s%s of %s features held%s, in %s s.%s\n' "$bold" "$held" "$count" \
  "$([ "$left_out" = 0 ] || printf ', %s left out' "$left_out")" "$(($(date +%s) - began))" "$plain"
