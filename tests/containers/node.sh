#!/usr/bin/env bash
# node.sh FOLDER N NODES RUNTIME: the init of one node: makes it look like a machine, then reaps. Services are started by the tests.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/cgroups.sh"
FOLDER=$1 N=$2 NODES=$3 RUNTIME=$4
HOME_FOLDER=$FOLDER/n$N


# HIERARCHIES: name below /sys/fs/cgroup -> what to mount there: cgroup2, or the controllers of a v1 hierarchy. Read without starting
# programs, of which a loaded machine starts ten in a second.
declare -A HIERARCHIES=()
while read -ra fields; do
    [ "${fields[4]%/*}" = "$CGROUPS" ] && [ "$CGROUP_KIND" = v1 ] || continue
    name=${fields[4]##*/}
    case ${fields[-3]} in
        cgroup2) HIERARCHIES[$name]=cgroup2 ;;
        cgroup)
            wanted=
            for option in ${fields[-1]//,/ }; do
                case $option in
                    rw | ro | xattr | clone_children | release_agent=*) ;;
                    name=*) wanted+=,none,$option ;;
                    *) wanted+=,$option ;;
                esac
            done
            HIERARCHIES[$name]=${wanted#,}
            ;;
    esac
done </proc/self/mountinfo

hostname "n$N"
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
# An overlay cannot have its upper directory on an overlay.
[ "$(stat -f -c %T "$HOME_FOLDER")" != overlayfs ] || mount -t tmpfs tmpfs "$HOME_FOLDER/containerd"
mkdir -p /run/lock /run/netns /var/lib/containerd /var/lib/cni "$HOME_FOLDER/config/net.d"
mount --bind "$HOME_FOLDER/containerd" /var/lib/containerd
mount --bind "$HOME_FOLDER/cni" /var/lib/cni

# sysfs of this network namespace, cgroups as seen from this cgroup namespace.
mount -t sysfs sysfs /sys
if [ "$CGROUP_KIND" = v2 ]; then
    mount -t cgroup2 cgroup2 "$CGROUPS"
    mkdir -p "$CGROUPS/init"
    for pid in $(cat "$CGROUPS/cgroup.procs"); do echo "$pid" >"$CGROUPS/init/cgroup.procs" 2>/dev/null || true; done
    for controller in $(cat "$CGROUPS/cgroup.controllers"); do echo "+$controller" >"$CGROUPS/cgroup.subtree_control" 2>/dev/null || true; done
else
    mount -t tmpfs -o mode=755 tmpfs "$CGROUPS"
    (cd "$CGROUPS" && mkdir "${!HIERARCHIES[@]}")
    for name in "${!HIERARCHIES[@]}"; do
        if [ "${HIERARCHIES[$name]}" = cgroup2 ]; then
            mount -t cgroup2 cgroup2 "$CGROUPS/$name"
        else
            mount -t cgroup -o "${HIERARCHIES[$name]}" cgroup "$CGROUPS/$name"
        fi
    done
fi

for ((tries = 0; tries < 500; tries++)); do
    [ ! -e /sys/class/net/eth0 ] || break
    sleep 0.02
done
{
    echo "link set lo up"
    echo "address add 10.77.0.$((10 + N))/24 dev eth0"
    echo "link set eth0 up"
    echo "route add default via 10.77.0.254"
    for ((other = 1; other <= NODES; other++)); do
        [ "$other" -eq "$N" ] || echo "route add 10.91.$other.0/24 via 10.77.0.$((10 + other))"
    done
} | ip -batch -
echo 1 >/proc/sys/net/ipv4/ip_forward
# The oom score can only be lowered with CAP_SYS_RESOURCE.
while read -r key value; do
    [ "$key" != CapEff: ] || { [ $((0x$value >> 24 & 1)) -eq 1 ] && restrict=false || restrict=true; }
done </proc/self/status
cat >"$HOME_FOLDER/config/containerd.toml" <<CONFIG
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "/run/containerd-opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = $restrict
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$RUNTIME/cni"
    conf_dir = "$HOME_FOLDER/config/net.d"
CONFIG
cat >"$HOME_FOLDER/config/net.d/10-pods.conflist" <<CONFIG
{"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false,
  "ipam": {"type": "host-local", "dataDir": "/run/cni-ipam", "ranges": [[{"subnet": "10.91.$N.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
CONFIG
touch "$HOME_FOLDER/up"
# bash reaps whatever comes to it while it waits.
sleep infinity &
while :; do wait || true; done
