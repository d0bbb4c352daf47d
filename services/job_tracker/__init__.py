"""JobTracker: owns the life of every job, and knows nothing of what the work is."""
