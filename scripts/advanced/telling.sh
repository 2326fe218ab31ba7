# What test_advanced.sh says: colours on a terminal that has not said no, plain text elsewhere.

bold='' dim='' green='' red='' yellow='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
  escape=$(printf '\033')
  bold="${escape}[1m" dim="${escape}[2m" green="${escape}[32m" red="${escape}[31m" yellow="${escape}[33m" plain="${escape}[0m"
fi

# A feature may fail within $(…), where standard output is caught.
exec 3>&1

# The feature that is shown now; empty before the first and after the last.
current=

begin_feature() {
  current=$1
  reason=
  printf '\n%s[%s/%s] %s%s · %s\n' "$bold" "$number" "$count" "$current" "$plain" "$(field_of title "$current")"
}

end_feature() {
  if [ -n "$reason" ]; then
    left_out=$((left_out + 1))
    line left-out "$yellow" "$reason"
  else
    held=$((held + 1))
    printf '  %sok%s\n' "$green" "$plain"
  fi
}

# line LABEL COLOUR TEXT: a labelled paragraph, wrapped.
line() {
  printf '%s\n' "$3" | fold -s -w 100 | {
    label=$1
    while IFS= read -r text; do
      printf '  %s%-8s%s %s\n' "$2" "$label" "$plain" "$text"
      label=
    done
  }
}
did() { line done "$dim" "$1"; }
came() { line answer "$dim" "$1"; }
proves() { line proves "$green" "$1"; }
leave_out() { reason=$1; }

# Ends the run: this feature does not hold.
fail() {
  printf '  %sFAILED%s   %s\n' "$red" "$plain" "$1" >&3
  : >"$work/failed"
  exit 1
}

# is WHAT FOUND EXPECTED
is() { [ "$2" = "$3" ] || fail "$1: expected «$3», found «$2»"; }
# has WHAT TEXT PART: PART is literal.
has() {
  case $2 in
    *"$3"*) ;;
    *) fail "$1: expected «$3» in «$(printf '%s' "$2" | cut -c1-600)»" ;;
  esac
}
lacks() {
  case $2 in
    *"$3"*) fail "$1: expected no «$3» in «$(printf '%s' "$2" | cut -c1-600)»" ;;
  esac
}
# holds WHAT NUMBER -ge|-le|-eq|-gt|-lt NUMBER
holds() { [ "$2" "$3" "$4" ] 2>/dev/null || fail "$1: expected $3 $4, found «$2»"; }
