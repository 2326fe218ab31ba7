#!/bin/sh
# Sees to it that the programs named are there: scripts/ensure-tools.sh nginx wrk ...
# Missing ones are installed by apt when we are root on Debian or Ubuntu; else says what to install and exits 1.
set -eu

package_of() {
  case $1 in
    h2load) echo nghttp2-client ;;
    postgres) echo postgresql ;;
    pip3) echo python3-pip ;;
    systemd-analyze) echo systemd ;;
    systemd-nspawn) echo systemd-container ;;
    nsenter) echo util-linux ;;
    *) echo "$1" ;;
  esac
}

# Debian keeps servers in /usr/sbin, which is not on every user's PATH, and PostgreSQL by its version.
is_there() {
  command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || ls /usr/lib/postgresql/*/bin/"$1" >/dev/null 2>&1
}

missing=
for tool in "$@"; do
  if ! is_there "$tool"; then missing="$missing $(package_of "$tool")"; fi
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  printf 'Please install first:%s\n' "$missing" >&2
  exit 1
fi

printf 'Installing%s ...\n' "$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# Debian starts a server as it installs it; the tests start their own, on ports of their own. Exit code 101 of
# policy-rc.d forbids it; an existing policy is the machine's own and stays.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
install() {
  # shellcheck disable=SC2086 # a list of package names
  apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $missing >&2
}
install || { apt-get update -qq >&2 && install; }
