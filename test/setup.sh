#!/bin/sh
# Makes this machine ready for `npm test`, `npm run demo`, `npm run conformance` and `npm run bench`: Debian packages,
# npm packages, the build. Does only what is missing, so a second run is quick.
#   sh test/setup.sh [conformance|bench]
set -eu
cd "$(dirname "$0")/.."
what=${1:-test}

say() { echo "setup: $*" >&2; }
die() { say "$*"; exit 1; }

case $what in
test | conformance | bench) ;;
*) die "unknown argument $what: none, conformance or bench is meant" ;;
esac

packages="runc crun catatonit containernetworking-plugins docker-registry nftables iptables iproute2 zstd xz-utils
  openssl procps util-linux apparmor e2fsprogs ca-certificates"

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

if command -v dpkg-query >/dev/null; then
  wanted=
  for package in $packages; do
    installed "$package" || wanted="$wanted $package"
  done
else
  die "dpkg is missing: crib's tests take their parts from Debian packages (Debian 12 or later)"
fi

if [ -n "$wanted" ]; then
  [ "$(id -u)" = 0 ] || die "run as root: these packages are missing:$wanted"
  say "installing$wanted"
  # Packages must not start services here: the tests start what they need on ports of their own.
  guard=/usr/sbin/policy-rc.d
  if [ ! -e "$guard" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$guard"
    chmod 755 "$guard"
    trap 'rm -f "$guard"' EXIT
    trap 'exit 1' HUP INT TERM
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq -o DPkg::Lock::Timeout=300 update || die "apt-get update failed: is a Debian mirror in reach?"
  # shellcheck disable=SC2086 # a list of words
  apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $wanted >/dev/null ||
    die "apt-get install failed for:$wanted"
fi

if [ "$what" != test ] && ! command -v go >/dev/null; then
  die "$what builds critest or containerd from its Go module: install Go 1.26 or later and put it on the PATH"
fi

command -v node >/dev/null || die "Node 20 or later is missing"
stamp=node_modules/.crib-lock
if ! cmp -s package-lock.json "$stamp"; then
  say "installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error >&2 || die "npm ci failed: is an npm registry in reach?"
  cp package-lock.json "$stamp"
fi

newer=$(find cri sandbox volumes runtime test package.json tsconfig.json -newer dist/.built \
  \( -name '*.ts' -o -name '*.json' -o -name build.sh \) -print 2>/dev/null | head -n 1)
if [ ! -f dist/.built ] || [ -n "$newer" ]; then
  say "building"
  sh test/build.sh || die "the build failed"
fi
