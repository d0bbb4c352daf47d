"""What every test run begins and ends with."""

import os

# PostgreSQL is started as a user of its own, for which Python forks; gRPC's handlers of forks do not survive that beside its
# threads. They are for processes that go on with gRPC after a fork, and none of ours does.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

from tests.fakes import postgres


def pytest_unconfigure() -> None:
    """Stop the PostgreSQL that tests may have started."""
    postgres.stop()
