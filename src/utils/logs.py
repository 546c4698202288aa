"""The log: structlog over the standard library, to a terminal and a file, never with a secret in it."""

import logging
import sys
import threading
from collections.abc import Iterable, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog

from utils.log_handlers import ConsoleHandler, SteadyFileHandler
from utils.redaction import Redactor

FILE_BYTES = 20_000_000
FILES_KEPT = 5
CHATTY = (
    "alembic",
    "uvicorn",
    "asyncio",
    "urllib3",
    "websockets",
    "aiohttp.access",
    "uvicorn.access",
    "binance",
    "matplotlib",
    "alembic.runtime.plugins",
)


class _CleanFormatter(structlog.stdlib.ProcessorFormatter):
    """Cleans the finished line once more, for what tracebacks and foreign objects bring in."""

    def __init__(self, redactor: Redactor, processors: list[Any], before: list[Any]) -> None:
        super().__init__(processors=processors, foreign_pre_chain=before)
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.text(super().format(record))


class Logging:
    """The log as it was set up. `close` takes it down again, so that a test or a second run starts afresh."""

    def __init__(self, handlers: list[logging.Handler]) -> None:
        self._handlers = handlers
        self._hooks = sys.excepthook, threading.excepthook

    def watch_crashes(self) -> None:
        """Send errors that nobody caught through the log, where they are cleaned, instead of straight to stderr."""
        sys.excepthook = _log_crash
        threading.excepthook = _log_thread_crash

    def close(self) -> None:
        sys.excepthook, threading.excepthook = self._hooks
        for handler in self._handlers:
            logging.getLogger().removeHandler(handler)
            handler.close()
        structlog.reset_defaults()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def set_up_logging(
    level: str = "INFO",
    log_file: Path | None = None,
    *,
    console: bool = True,
    json_lines: bool = False,
    secrets: Iterable[str] = (),
) -> Logging:
    """Send every log line of this process, structlog's and the standard library's, to stderr and `log_file`.

    Whoever logs never waits for the terminal: lines it does not take are dropped there and counted. The file is
    rotated at 20 MB, five old ones are kept; a full disk costs one sentence. `secrets` are values that must never
    be written; what stands behind `signature=`, `apiKey` and the like is hidden in any case. Times are UTC.

    Raises:
        OSError: the folder of `log_file` cannot be made or written.
    """
    redactor = Redactor(secrets)
    before = _before_rendering(redactor)
    handlers: list[logging.Handler] = []
    if console:
        handlers.append(ConsoleHandler(sys.stderr))
        handlers[-1].setFormatter(_formatter(redactor, before, json_lines=json_lines, colors=sys.stderr.isatty()))
    if log_file is not None:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(SteadyFileHandler(log_file, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8"))
        handlers[-1].setFormatter(_formatter(redactor, before, json_lines=json_lines, colors=False))
    _install(level, handlers)
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    return Logging(handlers)


def _before_rendering(redactor: Redactor) -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        redactor,
    ]


def _formatter(redactor: Redactor, before: list[Any], *, json_lines: bool, colors: bool) -> logging.Formatter:
    renderer: list[Any] = [
        structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=40, exception_formatter=structlog.dev.plain_traceback)
    ]
    if json_lines:
        renderer = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    foreign = [_add_extra, *(s for s in before if s is not structlog.stdlib.filter_by_level)]
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return _CleanFormatter(redactor, [remove, *renderer], foreign)


def _add_extra(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add what `extra=` gave, without what formatters leave on the record and uvicorn's second, coloured text."""
    event = structlog.stdlib.ExtraAdder()(logger, method, event)
    for left_behind in ("message", "asctime", "color_message"):
        event.pop(left_behind, None)
    return event


def _install(level: str, handlers: list[logging.Handler]) -> None:
    root = logging.getLogger()
    root.setLevel(level)
    for handler in handlers:
        root.addHandler(handler)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _log_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("crash").critical("the process ends by an error", exc_info=(kind, error, trace))


def _log_thread_crash(crash: threading.ExceptHookArgs) -> None:
    name = crash.thread.name if crash.thread else "?"
    error = crash.exc_value
    logging.getLogger("crash").critical("thread %s ends by an error", name, exc_info=error)
