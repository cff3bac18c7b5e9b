#!/bin/sh
# Runs COMMAND as on a node of its own: own process, mount, network, IPC, host name and cgroup namespaces, and directories
# of its own where a kubelet's paths are fixed. Everything in it ends with it, and it with this script, however that ends.
#   sh box.sh COMMAND [ARGUMENT...]
set -eu

roots() { awk '/ - cgroup2? / { print $5 }' /proc/self/mountinfo | sort -u; }
# Paths that a kubelet has no option for.
fixed='/run /var/log /var/lib/kubelet'

remove_cgroup() { # NAME: in every hierarchy; false while something is in it
  left=
  for root in $(roots); do
    [ -d "$root/$1" ] || continue
    find "$root/$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
    [ -d "$root/$1" ] && left="$root/$1"
  done
  [ -z "$left" ]
}

# What cleans up: a process of its own, that waits for the end of the script (of what it reads) and lives on after a kill.
if [ "${1:-}" = --after ]; then
  name=$2
  shift 2
  cat >/dev/null
  for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    for root in $(roots); do
      [ -d "$root/$name" ] || continue
      # The first process of the box takes all others along.
      for pid in $(find "$root/$name" -name cgroup.procs -exec cat {} + 2>/dev/null); do kill -KILL "$pid" 2>/dev/null || true; done
    done
    remove_cgroup "$name" && break
    # What has died is a moment later out of its cgroup.
    sleep 0.2
  done
  [ -z "$left" ] || echo "box: $left could not be removed" >&2
  for dir in "$@"; do rmdir "$dir"; done
  exit
fi

if [ "${1:-}" != --inside ]; then
  # Of boxes whose scripts were killed together with what cleans up after them; what holds a process stays.
  for old in $(for root in $(roots); do find "$root" -maxdepth 1 -name 'crib-box-*'; done | sed 's|.*/||' | sort -u); do
    pid=${old#crib-box-}
    kill -0 "${pid%-*}" 2>/dev/null || remove_cgroup "$old" || true
  done
  name=$(mktemp -u "crib-box-$$-XXXXXXXX")
  made=
  for dir in $fixed; do
    [ -d "$dir" ] && continue
    mkdir "$dir"
    made="$made $dir"
  done
  alive=$(mktemp -u)
  mkfifo -m 600 "$alive"
  setsid sh "$0" --after "$name" $made <"$alive" &
  after=$!
  exec 9>"$alive"
  rm "$alive"
  for root in $(roots); do
    mkdir "$root/$name"
    # In a cpuset of cgroup v1 nothing can run until it has processors and memory.
    for file in cpuset.cpus cpuset.mems; do
      if [ -e "$root/cgroup.clone_children" ] && [ -e "$root/$name/$file" ]; then cat "$root/$file" >"$root/$name/$file"; fi
    done
  done
  NAME=$name ROOTS=$(roots) setsid sh -c '
    for root in $ROOTS; do echo $$ >"$root/$NAME/cgroup.procs"; done
    exec unshare --mount --pid --net --ipc --uts --cgroup --fork --kill-child --mount-proc sh "$0" --inside "$@"' "$0" "$@" 9>&- &
  child=$!
  # unshare takes its child along, and that is the first process of all that is in the box.
  trap 'kill -KILL $child' HUP INT TERM
  code=0
  wait $child || code=$?
  trap - HUP INT TERM
  exec 9>&-
  wait $after || true
  exit $code
fi

shift
mount --make-rprivate /
hierarchies=$(for root in $(roots); do basename "$root"; done)
unified=; [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] && unified=1
mount -t sysfs sysfs /sys
if [ -n "$unified" ]; then
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  # A cgroup that gives controllers to others may hold no process itself.
  mkdir /sys/fs/cgroup/box
  echo $$ >/sys/fs/cgroup/box/cgroup.procs
else
  mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
  for name in $hierarchies; do
    mkdir "/sys/fs/cgroup/$name"
    case $name in
    unified) mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified ;;
    systemd) mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd ;;
    *) mount -t cgroup -o "$name" cgroup "/sys/fs/cgroup/$name" ;;
    esac
  done
fi
for dir in $fixed; do mount -t tmpfs -o mode=755 box "$dir"; done
mkdir /run/lock
# As on a node: what a kubelet mounts is seen by the runtime, and the other way round.
mount --make-rshared /
ip link set lo up
# The address that the node has, and the way out that it looks for.
ip link add eth0 type veth peer name uplink
ip address add 192.0.2.10/24 dev eth0
ip link set eth0 up
ip link set uplink up
ip route add default via 192.0.2.1
hostname node
exec catatonit -- "$@"
