"""What a process has spent, as the kernel counts it."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Read the CPU that a process has used so far, its threads and the kernel's work for it included; seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS  # utime and stime, counted from the state behind the name


def peak_mb(pid: int) -> float:
    """Read the most memory that a process has held at once (resident, VmHWM); MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1_000
    raise LookupError(f"process {pid} has no VmHWM")
