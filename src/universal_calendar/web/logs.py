"""Logs that cannot tell what they must not: only known keys get through."""

import logging
from typing import Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

ALLOWED_KEYS: Final = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "request_id",
        "method",
        "route",
        "status",
        "duration_ms",
        "key_id",
        "tenant_id",
        "agent_id",
        "booking_id",
        "error_type",
        "where",
        "reason",
        "log_file",
        "logger",
        "url",
        "deleted",
    }
)


def allow_known_keys(
    _logger: WrappedLogger, _method: str, event: EventDict
) -> EventDict:
    """Drop every key that is not on the list; a new one stays out until thought of."""
    return {key: value for key, value in event.items() if key in ALLOWED_KEYS}


def configure_logs(*, level: str, as_json: bool) -> None:
    """Send every log line, the libraries' warnings too, to standard output."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        allow_known_keys,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(default=str)
        if as_json
        else structlog.dev.ConsoleRenderer()
    )
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        level=max(threshold, logging.WARNING), format="%(name)s: %(message)s"
    )
