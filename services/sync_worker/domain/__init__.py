"""What SyncWorker knows of shops, pure: no database, no network, no clock of its own."""
