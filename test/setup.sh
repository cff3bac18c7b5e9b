#!/bin/sh
# Makes this machine ready for `npm test`, `npm run demo`, `npm run conformance`, `npm run bench`,
# `npm run test:kubelet`, `npm run test:cluster` and `npm run test:guest`: Debian packages, npm packages, the build. Does
# only what is missing, so a second run is quick. `packages` prints those that the tests need, and does nothing.
#   sh test/setup.sh [conformance|bench|kubelet|cluster|guest|packages]
set -eu
cd "$(dirname "$0")/.."
what=${1:-test}

say() { echo "setup: $*" >&2; }
die() { say "$*"; exit 1; }

case $what in
test | conformance | bench | kubelet | cluster | guest | packages) ;;
*) die "unknown argument $what: none, conformance, bench, kubelet, cluster, guest or packages is meant" ;;
esac

packages="runc crun catatonit busybox-static containernetworking-plugins docker-registry nftables iptables iproute2 zstd xz-utils
  openssl procps util-linux apparmor e2fsprogs ca-certificates"
if [ "$what" = packages ]; then
  echo $packages
  exit
fi
[ "$what" = cluster ] && packages="$packages etcd-server"
[ "$what" = guest ] && packages="$packages qemu-system-x86 mmdebstrap"

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

# gVisor: the one of Debian 12 itself is too old. Its backports are on the same mirror, which apt's own configuration
# names; without them the tests of gVisor are left out, and say so.
install_runsc() {
  [ "$(id -u)" = 0 ] || return 1
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  uri=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
    awk -v release="$codename" '$2 == release { print $1; exit }')
  [ -n "$uri" ] || return 1
  sources=$(mktemp -d)
  chmod 755 "$sources"
  mkdir -p "$sources/parts" "$sources/lists/partial"
  printf 'Types: deb\nURIs: %s\nSuites: %s-backports\nComponents: main\nSigned-By: %s\n' "$uri" "$codename" \
    /usr/share/keyrings/debian-archive-keyring.gpg >"$sources/parts/backports.sources"
  set -- -qq -o DPkg::Lock::Timeout=300 -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$sources/parts" \
    -o "Dir::State::lists=$sources/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root
  apt-get "$@" update 2>/dev/null && apt-get "$@" -y install --no-install-recommends runsc >/dev/null 2>&1
  code=$?
  rm -rf "$sources"
  return $code
}

if ! installed runsc && ! command -v runsc >/dev/null; then
  say "installing runsc from backports"
  install_runsc || say "runsc (gVisor) is not to be had from this host's Debian mirror: its tests are left out"
fi

if [ "$what" != test ] && ! command -v go >/dev/null; then
  die "$what builds critest, containerd or a kubelet from its Go module: install Go 1.26 or later and put it on the PATH"
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
