"""The log shows what happened and never a secret, whichever way it came in."""

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from utils.logs import set_up_logging
from utils.redaction import HIDDEN, Redactor

SECRET = 'Zx9"very/secret'


@pytest.fixture
def level_kept() -> Iterator[None]:
    root = logging.getLogger()
    before = root.level
    yield
    root.setLevel(before)


def refuse() -> None:
    raise ValueError(f"refused: {SECRET} at postgresql://user:PPPP@db/books")


def written(tmp_path: Path, *, json_lines: bool = False) -> str:
    """Log a secret in every way the program could, and return what the file holds."""
    path = tmp_path / "deep/bot.log"
    with set_up_logging("DEBUG", path, console=False, json_lines=json_lines, secrets=[SECRET]):
        log = structlog.get_logger("grid.worker")
        log.info(
            "order placed", symbol="BTCUSDT", price="1.50", apiKey=SECRET, nested={"secret": "x1y2", "a": [SECRET]}
        )
        log.info("signed %s", f"https://host/order?symbol=BTCUSDT&signature=deadbeef&key={SECRET}")
        logging.getLogger("binance.client").warning("GET %s", "https://host?apiKey=KKKKK&signature=abc123&x=1")
        logging.getLogger("foreign").warning("with extra", extra={"api_secret": "QQQQ", "count": 3})
        try:
            refuse()
        except ValueError:
            log.exception("it failed")
            logging.getLogger("foreign").exception("it failed too")
    return path.read_text()


@pytest.mark.usefixtures("level_kept")
@pytest.mark.parametrize("json_lines", [False, True])
def test_no_secret_reaches_the_file(tmp_path: Path, json_lines: bool) -> None:
    text = written(tmp_path, json_lines=json_lines)
    for hidden in (SECRET, json.dumps(SECRET)[1:-1], "deadbeef", "KKKKK", "abc123", "QQQQ", "PPPP", "x1y2"):
        assert hidden not in text, hidden
    for kept in ("order placed", "BTCUSDT", "1.50", "grid.worker", "ValueError", "postgresql://user:***@db/books"):
        assert kept in text, kept


@pytest.mark.usefixtures("level_kept")
def test_json_lines_are_objects_with_time_level_and_logger(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in written(tmp_path, json_lines=True).splitlines()]
    assert rows[0]["event"] == "order placed"
    assert rows[0]["logger"] == "grid.worker"
    assert rows[0]["level"] == "info"
    assert rows[0]["timestamp"].endswith("Z")
    assert rows[3]["count"] == 3
    assert "Traceback" in rows[4]["exception"]


@pytest.mark.usefixtures("level_kept")
def test_level_console_and_taking_it_down_again(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    console = io.StringIO()
    with redirect_stderr(console), set_up_logging("WARNING", tmp_path / "bot.log"):
        structlog.get_logger("a").info("quiet")
        structlog.get_logger("a").warning("loud", symbol="BTCUSDT")
        logging.getLogger("asyncio").warning("seen")
    assert logging.getLogger().handlers == before
    assert "quiet" not in console.getvalue()
    assert "loud" in console.getvalue()
    assert "symbol=BTCUSDT" in console.getvalue()
    assert "\x1b" not in (tmp_path / "bot.log").read_text()


@pytest.mark.usefixtures("level_kept")
def test_an_error_nobody_caught_goes_through_the_log(tmp_path: Path) -> None:
    path = tmp_path / "bot.log"
    with set_up_logging("INFO", path, console=False, secrets=[SECRET]) as logs:
        logs.watch_crashes()

        def crash() -> None:
            raise RuntimeError(SECRET)

        thread = threading.Thread(target=crash, name="grid-BTCUSDT")
        thread.start()
        thread.join()
        error = RuntimeError(f"main {SECRET}")
        sys.excepthook(RuntimeError, error, None)
    text = path.read_text()
    assert "grid-BTCUSDT" in text
    assert "RuntimeError: main ***" in text
    assert "message=" not in text
    assert SECRET not in text


@given(
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=64),
    before=st.text(max_size=20),
    after=st.text(max_size=20),
)
def test_a_known_secret_never_survives(secret: str, before: str, after: str) -> None:
    cleaned = Redactor([secret])
    assert secret not in cleaned.text(f"{before} {secret} {after}").replace(HIDDEN, "")
    assert json.dumps(secret)[1:-1] not in cleaned.text(json.dumps({"event": secret})).replace(HIDDEN, "")


def test_short_texts_are_no_secrets_and_plain_text_stays() -> None:
    line = "BTCUSDT grid 10 levels, symbol=BTCUSDT&limit=5, tokens=3"
    assert Redactor(["", "10"]).text(line) == line
