#!/bin/sh
# Runs COMMAND as on a node of its own: own process, mount, network, IPC, host name and cgroup namespaces, and directories
# of its own where a kubelet's paths are fixed. Everything in it ends with it, however it ends.
#   sh box.sh COMMAND [ARGUMENT...]
set -eu

roots() { awk '/ - cgroup2? / { print $5 }' /proc/self/mountinfo | sort -u; }
# Paths that a kubelet has no option for.
fixed='/run /var/log /var/lib/kubelet'

if [ "${1:-}" != --inside ]; then
  name=$(mktemp -u crib-box-XXXXXXXX)
  made=
  for dir in $fixed; do
    [ -d "$dir" ] && continue
    mkdir "$dir"
    made="$made $dir"
  done
  for root in $(roots); do
    mkdir "$root/$name"
    # In a cpuset of cgroup v1 nothing can run until it has processors and memory.
    for file in cpuset.cpus cpuset.mems; do
      if [ -e "$root/cgroup.clone_children" ] && [ -e "$root/$name/$file" ]; then cat "$root/$file" >"$root/$name/$file"; fi
    done
  done
  clean() {
    # What has died is a moment later out of its cgroup.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      left=
      for root in $(roots); do
        [ -d "$root/$name" ] || continue
        find "$root/$name" -depth -type d -exec rmdir {} + 2>/dev/null || true
        [ -d "$root/$name" ] && left=$root/$name
      done
      [ -z "$left" ] && break
      sleep 0.2
    done
    [ -z "$left" ] || echo "box: $left could not be removed" >&2
    for dir in $made; do rmdir "$dir"; done
  }
  NAME=$name ROOTS=$(roots) setsid sh -c '
    for root in $ROOTS; do echo $$ >"$root/$NAME/cgroup.procs"; done
    exec unshare --mount --pid --net --ipc --uts --cgroup --fork --kill-child --mount-proc sh "$0" --inside "$@"' "$0" "$@" &
  child=$!
  # unshare takes its child along, and that is the first process of all that is in the box.
  trap 'kill -KILL $child' HUP INT TERM
  code=0
  wait $child || code=$?
  trap - HUP INT TERM
  clean
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
