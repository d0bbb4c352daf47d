"""Sandbox, JobTracker and SyncWorker as processes on one machine: for use (`up`) and for show (`demo`)."""
