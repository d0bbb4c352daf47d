"""SyncWorker's own database: one row per vendor object, mappings, places reached, fences."""
