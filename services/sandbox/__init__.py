"""Both vendors over HTTP, from seeded data and faithful to their limits: for demos, tests and benchmarks."""

from sandbox.options import SandboxOptions
from sandbox.serving import Handle, running

__all__ = ["Handle", "SandboxOptions", "running"]
