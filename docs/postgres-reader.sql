-- After the first `craftsync db upgrade`: keep the key of the fingerprints from the readers.

revoke select on craftsync.store_identity from craftsync_reader;
grant select (id, store_id, created_at) on craftsync.store_identity to craftsync_reader;
