"""One memory of compiled SQL for all openings of the books: a run opens them ten times and says the same each time."""

from typing import Any, Final

from sqlalchemy import Engine
from sqlalchemy.dialects import plugins
from sqlalchemy.engine import URL, CreateEnginePlugin

NAME: Final = "chaos_statements"
_kept: list[tuple[Any, Any]] = []


class SharedStatements(CreateEnginePlugin):
    """Lets every engine of this process use what the first one compiled; `?plugin=` in the URL asks for it."""

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None: ...

    def update_url(self, url: URL) -> URL:
        return url

    def engine_created(self, engine: Engine) -> None:
        """Take over the dialect with the cache, whose keys hold it."""
        if not _kept:
            _kept.append((engine.dialect, engine._compiled_cache))  # noqa: SLF001 - there is no public way
        engine.dialect, engine._compiled_cache = _kept[0]  # noqa: SLF001


plugins.register(NAME, __name__, SharedStatements.__name__)
