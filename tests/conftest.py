"""What every test run ends with."""

from tests.fakes import postgres


def pytest_unconfigure() -> None:
    """Stop the PostgreSQL that tests may have started."""
    postgres.stop()
