# Cgroups of a lab of nodes, v1 or v2, as they are mounted at /sys/fs/cgroup; to be sourced.

CGROUPS=/sys/fs/cgroup
if [ -e "$CGROUPS/cgroup.controllers" ]; then
    CGROUP_KIND=v2 # one hierarchy
    CGROUP_ROOTS=("$CGROUPS")
else
    CGROUP_KIND=v1 # one for each controller, and perhaps a unified one beside them
    CGROUP_ROOTS=()
    for root in "$CGROUPS"/*/; do
        [ ! -e "$root/cgroup.procs" ] || CGROUP_ROOTS+=("${root%/}")
    done
fi
CGROUP_REMOVE_TRIES=300 # of 0.1 s: a process counts until it has gone whole

# cgroup_make PATH: below every hierarchy.
cgroup_make() {
    local root folder parent file
    for root in "${CGROUP_ROOTS[@]}"; do
        folder=$root
        for parent in ${1//\// }; do
            if [ "$CGROUP_KIND" = v2 ]; then
                # Without processes in it a cgroup may hand its controllers down; one by one, because some may be in use elsewhere.
                for file in $(<"$folder/cgroup.controllers"); do echo "+$file" >"$folder/cgroup.subtree_control" 2>/dev/null || true; done
            fi
            [ -d "$folder/$parent" ] || mkdir "$folder/$parent" || return
            if [ "$CGROUP_KIND" = v1 ] && [ -e "$folder/$parent/cpuset.cpus" ]; then
                # An empty set lets nobody in.
                for file in cpuset.cpus cpuset.mems; do echo "$(<"$folder/$file")" >"$folder/$parent/$file" || return; done
            fi
            folder=$folder/$parent
        done
    done
}

# cgroup_enter PATH PID
cgroup_enter() {
    local root
    for root in "${CGROUP_ROOTS[@]}"; do echo "$2" >"$root/$1/cgroup.procs" || return; done
}

# cgroup_folders PATH: sets FOLDERS to its directories that exist.
cgroup_folders() {
    local root
    FOLDERS=()
    for root in "${CGROUP_ROOTS[@]}"; do
        [ ! -d "$root/$1" ] || FOLDERS+=("$root/$1")
    done
}

# cgroup_tasks PATH: every process at or below it.
cgroup_tasks() {
    local FOLDERS
    cgroup_folders "$1"
    [ ${#FOLDERS[@]} -eq 0 ] || find "${FOLDERS[@]}" -name cgroup.procs -exec cat {} + 2>/dev/null | grep -v '^0$' | sort -un
}

# cgroup_remove PATH: ends what runs in it, then removes it.
cgroup_remove() {
    local tries tasks FOLDERS
    for ((tries = 0; tries < CGROUP_REMOVE_TRIES; tries++)); do
        cgroup_folders "$1"
        [ ${#FOLDERS[@]} -ne 0 ] || return 0
        tasks=$(cgroup_tasks "$1" || true)
        if [ -n "$tasks" ]; then
            # What is frozen cannot die.
            find "${FOLDERS[@]}" -name freezer.state -exec sh -c 'for f; do echo THAWED >"$f"; done' sh {} + 2>/dev/null || true
            # shellcheck disable=SC2086 # pids are words
            kill -KILL $tasks 2>/dev/null || true
            sleep 0.05
        fi
        find "${FOLDERS[@]}" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.05
    done
    echo "cgroup $1 cannot be removed: $(cgroup_tasks "$1" | tr '\n' ' ')" >&2
    return 1
}
