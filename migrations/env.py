"""Run the revisions between two sweeps of the views, all in the caller's transaction.

Views break a batch alter on SQLite and a change of type on PostgreSQL, so they are dropped first
and made again from `relations.py`; a user's own views over them, and what others may do with any
of them or their columns, are put back as they were. At the end no row may be missing and no
foreign key dangle, else everything is rolled back.
"""

from alembic import context
from sqlalchemy import Connection, inspect, text

from craftsync.store import relations
from craftsync.store.models import Base

_ON_OURS = """
    with recursive ours as (
        select c.oid from pg_class c
        where c.relnamespace = current_schema()::regnamespace and c.relname in ({names})
    ),
    hung as (
        select oid, 0 as depth from ours
        union
        select w.ev_class, hung.depth + 1
        from hung
        join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = hung.oid
            and d.classid = 'pg_rewrite'::regclass
        join pg_rewrite w on w.oid = d.objid
        where w.ev_class <> hung.oid
    )
    select
        c.oid::regclass::text as name,
        coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '')
            || ' as ' || pg_get_viewdef(c.oid) as definition
    from pg_class c join (select oid, max(depth) as depth from hung group by oid) h using (oid)
    where c.relkind = 'v' and c.oid not in (select oid from ours) order by h.depth
"""

_GIVEN_BACK = text("""
    with views as (
        select *, oid::regclass::text as name from pg_class
        where relkind = 'v' and oid::regclass::text = any(:views)
    ),
    given as (
        select name, relowner, null as its_column, acl.*
        from views cross join lateral aclexplode(relacl) acl
        union all
        select name, relowner, ' (' || quote_ident(attname) || ')', acl.*
        from views join pg_attribute on attrelid = views.oid
            cross join lateral aclexplode(attacl) acl
    )
    select 'comment on view ' || name || ' is ' || quote_literal(obj_description(oid, 'pg_class'))
    from views where obj_description(oid, 'pg_class') is not null
    union all
    select 'grant ' || privilege_type || coalesce(its_column, '') || ' on ' || name || ' to '
        || case grantee when 0 then 'public' else grantee::regrole::text end
        || case when is_grantable then ' with grant option' else '' end
    from given where grantee <> relowner
""")


def _drop_views(connection: Connection) -> list[str]:
    """Drop what could stand in the way; return what gives back all that users made of it."""
    ours = [relation.name for relation in relations.PUBLIC]
    if connection.dialect.name != "sqlite":
        names = ", ".join(f"'{name}'" for name in ours)
        hung = connection.exec_driver_sql(_ON_OURS.format(names=names)).all()
        views = [*ours, *(name for name, _ in hung)]
        given_back = connection.execute(_GIVEN_BACK, {"views": views}).scalars().all()
        for name, _ in reversed(hung):
            _execute(connection, f"drop view {name}")
        for relation in reversed(relations.PUBLIC):
            _execute(connection, relation.drop_view())
        return [*(f"create view {name}{definition}" for name, definition in hung), *given_back]
    found = connection.exec_driver_sql(
        "select name, sql from sqlite_master where type = 'view' order by rowid"
    ).all()
    for name, _ in found:
        quoted = name.replace('"', '""')
        _execute(connection, f'drop view "{quoted}"')
    return [sql for name, sql in found if name not in ours]


def _make_views(connection: Connection, others: list[str]) -> None:
    for relation in relations.PUBLIC:
        _execute(connection, relation.create_view(connection.dialect.name))
    for sql in others:
        _execute(connection, sql)


def _execute(connection: Connection, sql: str) -> None:
    """Run a statement as it is: a `%` in what users wrote is no place for a parameter."""
    connection.exec_driver_sql(sql, execution_options={"no_parameters": True})


def _rows(connection: Connection) -> dict[str, int]:
    tables = [name for name in inspect(connection).get_table_names() if name != "alembic_version"]
    return {
        name: connection.execute(text(f'select count(*) from "{name}"')).scalar_one()
        for name in tables
    }


def _check(connection: Connection, before: dict[str, int]) -> None:
    after = _rows(connection)
    lost = {name: (rows, after[name]) for name, rows in before.items() if after.get(name) != rows}
    if lost:
        raise RuntimeError(f"rows before and after the revisions differ: {lost}")
    if connection.dialect.name == "sqlite":
        dangling = connection.exec_driver_sql("pragma foreign_key_check").all()
        if dangling:
            raise RuntimeError(f"foreign keys dangle after the revisions: {dangling[:5]}")


def run(connection: Connection) -> None:
    before = _rows(connection)
    others = _drop_views(connection)
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transactional_ddl=True,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    _make_views(connection, others)
    _check(connection, before)


run(context.config.attributes["connection"])
