"""Logs as one JSON object a line on standard error; what is bound to the context, a job's id say, is in every line."""

import logging
import sys

import structlog

LEVELS = ("debug", "info", "warning", "error")


def configure_logs(level: str) -> None:
    """Send this process's logs, and its libraries' from `warning` on, to standard error.

    Raises:
        ValueError: The level is none of LEVELS.
    """
    if level not in LEVELS:
        raise ValueError(f"{level!r} is no log level; use {', '.join(LEVELS)}")
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    libraries = logging.StreamHandler(sys.stderr)
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[libraries], level=logging.WARNING, force=True)
