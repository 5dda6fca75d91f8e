-- Roles for a store in PostgreSQL: the owner of the database runs this once, with psql.
--
--   createdb --encoding=UTF8 --template=template0 craft
--   psql -d craft -f docs/postgres-roles.sql
--   alter role craftsync_sync password '…';  alter role craftsync_reader password '…';
--
-- craftsync_sync mirrors: it owns the schema and all that is in it, and nothing else.
-- craftsync_reader asks: `craftsync status`, `runs`, `show`, `sql`, `report`, and any other tool
-- over the public relations. It can write nothing, and does not see the key of the fingerprints,
-- so it cannot `verify`.

create role craftsync_sync login;
create role craftsync_reader login;

create schema craftsync authorization craftsync_sync;
alter role craftsync_sync set search_path = craftsync;
alter role craftsync_reader set search_path = craftsync;
alter role craftsync_reader set default_transaction_read_only = on;
grant usage on schema craftsync to craftsync_reader;

-- What craftsync_sync makes, now or at a later upgrade, craftsync_reader may read.
alter default privileges for role craftsync_sync in schema craftsync
    grant select on tables to craftsync_reader;
