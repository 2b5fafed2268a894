"""Logs that cannot tell what they must not: only known keys get through."""

import logging
import sys
import threading
import traceback
import warnings
from types import TracebackType
from typing import Final, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_log = structlog.get_logger()

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


def configure_logs(*, level: str, as_json: bool, stream: TextIO | None = None) -> None:
    """Send every log line, the libraries' warnings too, to standard output.

    Another stream may be given: a command whose output is data logs elsewhere.
    """
    target = stream or sys.stdout
    first: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [allow_known_keys, _renderer(target, as_json=as_json)]
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*first, *last],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=target),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*first, structlog.stdlib.add_logger_name],
            processors=[_name_error, *last],
            pass_foreign_args=True,
        )
    )
    logging.basicConfig(level=max(threshold, logging.WARNING), handlers=[handler])
    _log_what_python_prints()


def _renderer(target: TextIO, *, as_json: bool) -> Processor:
    if as_json:
        return structlog.processors.JSONRenderer(serializer=_json)
    return structlog.dev.ConsoleRenderer(colors=target.isatty())


def _json(event: EventDict, **_options: object) -> str:
    return orjson.dumps(event, default=str).decode()


def _name_error(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    # The type alone: a library's traceback may quote what it was given.
    error = event.get("exc_info")
    if isinstance(error, tuple) and error[0] is not None:
        event["error_type"] = error[0].__qualname__
    event["event"] = _message_of(event["_record"], event["positional_args"])
    return event


def _message_of(record: logging.LogRecord, args: object) -> str:
    """Return the first line, with types of errors for their texts.

    What asyncio says of a lost task goes on with the task and its error.
    """
    if isinstance(args, tuple):
        args = tuple(_type_of(e) if isinstance(e, BaseException) else e for e in args)
    text = str(record.msg) % args if args else str(record.msg)
    return text.partition("\n")[0]


def _type_of(error: BaseException) -> str:
    return type(error).__qualname__


def place_of(trace: TracebackType | None) -> list[str]:
    """Return the last frames without what they were given, which may name a person."""
    frames = traceback.extract_tb(trace)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]]


def _log_what_python_prints() -> None:
    """Log what Python would print to standard error, with all that was said in it."""
    warnings.showwarning = _warned
    threading.excepthook = _lost
    sys.unraisablehook = _lost


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    where = [f"{filename}:{lineno}"]
    _log.warning("python_warning", error_type=category.__qualname__, where=where)


def _lost(lost: "threading.ExceptHookArgs | sys.UnraisableHookArgs") -> None:
    _log.error(
        "lost_error",
        error_type=lost.exc_type.__qualname__,
        where=place_of(lost.exc_traceback),
    )
