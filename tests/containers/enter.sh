#!/usr/bin/env bash
# enter.sh FOLDER N COMMAND...: runs a command on node N of a lab, as if logged in there: in its namespaces, cgroups and environment.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/cgroups.sh"
FOLDER=$1 N=$2
shift 2
group=$(basename "$FOLDER")/n$N
[ "$CGROUP_KIND" = v1 ] || group+=/init
cgroup_enter "$group" $$
exec nsenter --target "$(cat "$FOLDER/n$N/init")" --mount --net --uts --ipc --pid --cgroup --wdns=/ -- "$@"
