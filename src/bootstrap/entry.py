"""What both entry files do: settings, log, server; whatever goes wrong is told in plain sentences."""

import signal
import sys
from contextlib import ExitStack

from bootstrap.runtime import Runtime
from config.loading import load_settings_of_process
from config.mistakes import ConfigError
from config.settings import Settings
from domain.errors import Conflict, TradingError
from ports.store import StoreFailed
from routes.asgi import AddressInUse
from utils.logs import set_up_logging


def run(program: str, *, first_grid: bool) -> int:
    """Load settings, set up the log, serve; return the exit code."""
    try:
        settings = load_settings_of_process(program)
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    signal.signal(signal.SIGTERM, _end)  # until the server listens for it
    try:
        return _run(settings, first_grid=first_grid)
    except (TradingError, AddressInUse, StoreFailed) as error:
        print(f"{program}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 130


def _run(settings: Settings, *, first_grid: bool) -> int:
    written = settings.logging
    with ExitStack() as stack:
        try:
            settings.server.data_dir.mkdir(parents=True, exist_ok=True)
            logs = stack.enter_context(
                set_up_logging(
                    written.level,
                    written.log_file,
                    console=written.log_to_console,
                    json_lines=written.format == "json",
                    secrets=settings.secrets(),
                )
            )
        except OSError as error:
            place = f"{settings.server.data_dir} or {written.log_file} cannot be written ({error.strerror or error})"
            raise Conflict(f"{place}; name a folder of your own with --data-dir") from error
        logs.watch_crashes()
        return Runtime(settings, first_grid=first_grid).run()


def _end(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
