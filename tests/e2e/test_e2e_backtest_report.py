"""A year of minutes through the real command, and its page in a real browser, wide and narrow, dark and light."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import Page, sync_playwright

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
MINUTES = 365 * 1440
MOST_BYTES = 8_000_000
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def write_year(file: Path) -> None:
    """Write a seeded year that returns to 100 again and again, in whole cents."""
    random = np.random.default_rng(4)
    steps = random.normal(0, 0.0009, MINUTES)
    level = np.empty(MINUTES)
    log = 0.0
    for i, step in enumerate(steps):
        log += step - 0.00008 * log
        level[i] = log
    closes = np.round(100 * np.exp(level), 2)
    opens = np.concatenate(([100.0], closes[:-1]))
    high, low = np.maximum(opens, closes), np.minimum(opens, closes)
    cents = {"open": opens, "high": high + 0.03, "low": low - 0.03, "close": closes}
    columns = {
        name: pl.Series(np.round(values * 100).astype(np.int64)).cast(pl.Decimal(20, 0)) / 100
        for name, values in cents.items()
    }
    start = 1_704_067_200_000
    pl.DataFrame(
        {"open_time": np.arange(MINUTES) * 60_000 + start, **columns, "volume": np.ones(MINUTES)}
    ).write_parquet(file)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("backtest")
    write_year(home / "SOLUSDT.parquet")
    words = ["--symbol", "SOLUSDT", "--data", str(home / "SOLUSDT.parquet"), "--data-dir", str(home / "data")]
    grid = ["--set", "initial_levels=30", "--set", "spacing_perc=0.4", "--capital", "10000", "--windows", "month"]
    done = subprocess.run(
        [sys.executable, "-m", "backtest", "run", *words, *grid, "--out", str(home / "out")],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "This grid would have" in done.stdout
    assert "report.html" in done.stdout
    return home / "out"


def test_a_year_of_minutes_fits_a_page_and_strict_json(folder: Path) -> None:
    assert (folder / "report.html").stat().st_size < MOST_BYTES
    told = json.loads((folder / "result.json").read_text(), parse_constant=pytest.fail)
    assert told["market"]["candles"] == MINUTES
    assert told["ran_by"] == "compiled"
    assert len(told["months"]) == len(told["windows"]) == 12
    assert (
        pl.read_parquet(folder / "fills.parquet").height == told["declared"]["buys"] + told["declared"]["sells"] > 1_000
    )
    assert pl.read_parquet(folder / "equity.parquet").height == MINUTES


def look(page: Page, file: Path) -> list[str]:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "request", lambda request: said.append(request.url) if not request.url.startswith(("file:", "data:")) else None
    )
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-drawn]")
    return said


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the system's package chromium")
def test_the_page_draws_in_a_browser_without_a_network(folder: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for width, scheme in ((1280, "light"), (390, "dark")):
            context = browser.new_context(
                viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True, accept_downloads=True
            )
            page = context.new_page()
            assert look(page, folder / "report.html") == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            drawn = page.locator(".figure .main-svg").count()
            assert drawn >= 4
            assert page.locator("#figure-price .scatterlayer .trace").count() >= 5
            with page.expect_download() as saved:
                page.click("#save")
            assert json.loads(Path(saved.value.path()).read_text()) == json.loads((folder / "result.json").read_text())
            context.close()
        browser.close()
