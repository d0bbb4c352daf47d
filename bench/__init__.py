"""Side-by-side benchmarks. Each prints one JSON object a line: ours, the limit of the machine in the same run, the goal.

Nothing else may run beside them. `make bench-tracker` runs those of JobTracker, `make bench-pull` those of SyncWorker's
pulls; docs/benchmarks.md says what each line means.
"""
