-- Log lines in partitions: run by the owner of the tables (craftsync_sync), with psql, at the
-- start of each month, or of each week. The first run makes partitions of what is held.
--
--   psql -d craft -f docs/postgres-partitions.sql
--
-- Keys of executions grow with time: whatever is first mirrored from now on has greater ones than
-- all that is held. So each run closes the partition that is open and begins a new one; where
-- nothing came since the last run it does nothing. No row moves. The partition that is closed is
-- read once, during which nobody else reads or writes log lines; a sync waits, and goes on.

begin;
lock table log_line in access exclusive mode;

do $$
declare
    next_key bigint;
    open_one regclass;
    first_key text;
    view record;
    new_one text;
begin
    select value + 1 into strict next_key from counter where name = 'execution';
    new_one := 'log_line_from_' || next_key;

    if (select relkind from pg_class where oid = 'log_line'::regclass) = 'r' then
        create temporary table views on commit drop as
            select distinct w.ev_class::regclass::text as name, pg_get_viewdef(w.ev_class) as sql
            from pg_rewrite w
            join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
            where d.refclassid = 'pg_class'::regclass and d.refobjid = 'log_line'::regclass
                and (select relkind from pg_class where oid = w.ev_class) = 'v';
        alter table log_line rename to log_line_before;
        alter table log_line_before rename constraint pk_log_line to pk_log_line_before;
        create table log_line (
            like log_line_before,
            constraint pk_log_line primary key (execution_key, line_number),
            constraint fk_log_line_execution_key_execution
                foreign key (execution_key) references execution (key)
        ) partition by range (execution_key);
        alter table log_line attach partition log_line_before
            for values from (minvalue) to (maxvalue);
        for view in select * from views loop  -- they still read log_line_before
            execute format('create or replace view %s as %s', view.name, view.sql);
        end loop;
    end if;

    select i.inhrelid::regclass, substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM \(''?(\w+)')
        into strict open_one, first_key
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'log_line'::regclass
            and pg_get_expr(c.relpartbound, c.oid) like '%TO (MAXVALUE)';
    if next_key > 1 and (first_key = 'MINVALUE' or first_key::bigint < next_key) then
        execute format('alter table log_line detach partition %s', open_one);
        execute format(
            'alter table log_line attach partition %s for values from (%s) to (%s)',
            open_one, first_key, next_key
        );
        execute format(
            'create table %I partition of log_line for values from (%s) to (maxvalue)',
            new_one, next_key
        );
        execute format(
            'comment on table %I is %L',
            new_one, 'log lines of what was first mirrored from ' || current_date || ' on'
        );
    end if;
end
$$;

commit;
