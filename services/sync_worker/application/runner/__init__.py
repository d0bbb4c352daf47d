"""The runner: claims jobs, runs their operations under a lease, reports, and lets go in order."""
