"""Who is linked with whom: strict mutual uniqueness, and a reason for everybody else."""
