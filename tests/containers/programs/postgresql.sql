-- Says "right" when nothing was lost, made twice or damaged. One snapshot, in which the clients go on writing.
\set ON_ERROR_STOP on
begin isolation level repeatable read;
select case when (select sum(abalance) from pgbench_accounts) = (select sum(delta) from pgbench_history)
             and (select sum(tbalance) from pgbench_tellers) = (select sum(delta) from pgbench_history)
             and (select sum(bbalance) from pgbench_branches) = (select sum(delta) from pgbench_history)
             and (select count(*) from pgbench_accounts) = 100000
            then 'sums right' else 'sums WRONG' end;
select case when count(*) = max(number) and min(number) = 1 and count(distinct backend) = 1 then 'receipts right' else 'receipts WRONG' end from receipts;
commit;
select case when count(*) = 0 then 'heap right' else 'heap WRONG' end from pg_class c, lateral verify_heapam(c.oid) where c.relkind = 'r';
select 'indexes right' from (select count(bt_index_check(c.oid, c.relname like 'pgbench%')) from pg_class c join pg_am a on a.oid = c.relam where a.amname = 'btree' and c.relkind = 'i') x;
select case when coalesce(sum(checksum_failures), 0) = 0 then 'pages right' else 'pages WRONG' end from pg_stat_database;
select 'newest receipt ' || max(number) from receipts;
select 'number of transfers ' || count(*) from pgbench_history;
