#!/bin/bash
# A database under load as a container's first process: postgresql.sh [server | writer]. Without a word both are in one container, and speak
# over a unix socket; the two words are two containers of one pod, which speak over TCP on loopback. Whoever serves prints "loaded" when it
# works; whoever writes prints a line "committed N" for each transaction of a client that has been told of its commit. On SIGTERM everything
# ends; whoever serves checks the files and prints "checksums N bad".
set -u
role=${1:-both}
bin=$(echo /usr/lib/postgresql/*/bin)
export PATH=$bin:$PATH PGDATA=/home/program/data PGHOST=/home/program PGDATABASE=postgres PGUSER=program LC_ALL=C.UTF-8
listen=
[ "$role" = both ] || listen=127.0.0.1
[ "$role" = writer ] && PGHOST=$listen
clients=()

serve() {
    initdb -k -A trust -U program >/dev/null || exit 1
    cat >>"$PGDATA/postgresql.conf" <<CONF
listen_addresses = '$listen'
unix_socket_directories = '/home/program'
shared_memory_type = mmap
dynamic_shared_memory_type = posix
checkpoint_timeout = 30s
CONF
    pg_ctl -w -s -l /home/program/server.log start || { cat /home/program/server.log; exit 1; }
    pgbench -i -q -s 1 >/dev/null 2>&1 || exit 1
    psql -qc 'create extension amcheck; create table receipts (number bigint primary key, backend int not null)' || exit 1
    echo loaded
}

load() {
    # Transfers that keep sums equal, over connections that are never made again.
    pgbench -n -c 3 -T 100000 -b tpcb-like -R 60 >/home/program/load.log 2>&1 &
    clients+=($!)
    # One statement after the other over one connection; the answer says who has committed it.
    {
        for ((number = 1; ; number++)); do
            echo "insert into receipts values ($number, pg_backend_pid()) returning 'committed ' || number || ' by ' || backend;"
            sleep 0.05
        done
    } | psql -qAt -v ON_ERROR_STOP=1 &
    clients+=($!)
}

[ "$role" = writer ] || serve
[ "$role" = server ] || load

ended=
trap 'ended=1' TERM
until [ -n "$ended" ]; do
    for client in "${clients[@]}"; do
        kill -0 "$client" || { echo "FAILED: a client has ended: $(tail -n 3 /home/program/load.log)"; exit 1; }
    done
    sleep 0.2
done 2>/dev/null
[ "$role" = server ] || { kill "${clients[@]}"; wait "${clients[@]}"; }
[ "$role" = writer ] && exit 0
pg_ctl -w -s -m fast stop || exit 1
pg_checksums --check | sed -n 's/^Bad checksums: *\(.*\)/checksums \1 bad/p'
exit 0
