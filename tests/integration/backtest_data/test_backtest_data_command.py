"""The command line: its words, its answers and its exit codes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.binance.archives import BinanceArchives
from backtest.data.command import main
from backtest.outside import Outside
from domain.errors import Conflict, InvalidRequest, NotFound, Unreachable
from fakes.binance_archive import Archive, serving
from fakes.recorded_rows import HOUR_MS, klines, month_ms, ms

SOURCE = Path(__file__).parents[3] / "src"
NOW_MS = ms("2023-04-02T09:00:00")
BELOW = "data/spot/monthly/klines/BTCUSDT/1h"


@pytest.fixture
def archive() -> Iterator[Archive]:
    with serving(Archive()) as there:
        for month in (1, 2):
            there.add(f"{BELOW}/BTCUSDT-1h-2023-0{month}.zip", klines(*month_ms(2023, month)))
        yield there


class Shell:
    def __init__(self, folder: Path, address: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.address, self._capsys = folder, address, capsys

    def run(self, *words: str, code: int = 0) -> str:
        options = ["--data-dir", str(self.folder)]
        if words[0] == "get":
            options += ["--archive-url", self.address]
        assert main([*words, *options], "data", _outside()) == code
        return self._capsys.readouterr().out

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        return dict(json.loads(self.run(*words, "--json", code=code)))


async def _at_once(_seconds: float) -> None:
    pass


@pytest.fixture
def shell(archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path / "data", archive.address, capsys)


def test_get_list_gaps_and_drop(shell: Shell, archive: Archive) -> None:
    assert "nothing is stored" in shell.run("list")
    told = shell.run("get", "btc/usdt", "--interval", "1h", "--from", "2022-12", "--to", "2023-02")
    assert "spot BTCUSDT klines 1h: 2 files fetched, 1,416 rows added" in told
    assert "not listed then: 2022-12" in told
    assert "spot BTCUSDT klines 1h  2023-01-01 00:00  2023-03-01 00:00  1,416" in shell.run("list")
    assert "nothing is missing" in shell.run("gaps", "BTCUSDT")
    (found,) = shell.json("gaps", "BTCUSDT", "--to", "2023-03-01", code=1)["recordings"]
    assert (found["missing"], found["gaps"][0]["from_ms"]) == (24, ms("2023-03-01"))
    assert "1 files deleted" in shell.run("drop", "BTCUSDT", "--interval", "1h", "--from", "2023-02")
    archive.wrong_checksums.add(f"{BELOW}/BTCUSDT-1h-2023-02.zip")
    told = shell.run("get", "BTCUSDT", "--interval", "1h", "--from", "2023-01", "--to", "2023-02", code=1)
    assert "stored before: 2023-01" in told
    assert "FAILED 2023-02: " in told


def test_what_cannot_be_done_is_one_sentence_that_names_the_word(shell: Shell, tmp_path: Path) -> None:
    shell.folder = tmp_path / "file"
    shell.folder.write_text("")
    with pytest.raises(Conflict, match="file"):
        shell.run("get", "BTCUSDT", "--from", "2023-01")
    shell.folder = tmp_path / "data"
    for words, kind, told in (
        (("get", "BTCUSDT", "--from", "2024-01"), InvalidRequest, "from: 2024-01 has not come yet"),
        (("get", "BTCUSDT", "--from", "2023-03", "--to", "2023-01"), InvalidRequest, "to: the window is empty"),
        (("get", "BTCUSDT", "--from", "2023-01", "--interval", "1w"), InvalidRequest, "interval: '1w' is not known"),
        (("get", "NOSUCH", "--from", "2023-01", "--to", "2023-01"), NotFound, "is the symbol right"),
        (("get", "BTCUSDT", "--from", "2023-01", "--kind", "funding", "--market", "spot"), InvalidRequest, "market: "),
        (("gaps", "BTCUSDT"), NotFound, "stored is: nothing yet"),
        (("import", str(tmp_path / "no.csv")), InvalidRequest, "file: there is no file"),
        (("import", "x.csv", "--tick", "0"), InvalidRequest, "tick: 0 is no price step"),
    ):
        with pytest.raises(kind, match=told):
            shell.run(*words)


def test_several_recordings_are_dropped_only_if_all_are_meant(shell: Shell, tmp_path: Path) -> None:
    start = ms("2023-01-01")
    for interval, step in (("1h", HOUR_MS), ("1m", 60_000)):
        path = tmp_path / f"BTCUSDT-{interval}.csv"
        path.write_text("\n".join(klines(start, start + 5 * step, step)))
        assert f"BTCUSDT klines {interval}, 5 rows added" in shell.run("import", str(path))
    with pytest.raises(InvalidRequest, match="say which, or --all"):
        shell.run("drop", "BTCUSDT")
    assert len(shell.json("list")["recordings"]) == 2
    changed = tmp_path / "BTCUSDT-changed.csv"
    changed.write_text("\n".join(klines(start, start + 5 * HOUR_MS, base=500)))
    with pytest.raises(Conflict, match="say --replace"):
        shell.run("import", str(changed))
    assert shell.json("import", str(changed), "--replace")["files"][0]["put"]["replaced"] == 5
    shell.run("drop", "BTCUSDT", "--all")
    assert shell.json("list")["recordings"] == []


def test_offline_it_says_what_to_do_instead(shell: Shell) -> None:
    shell.address = "http://127.0.0.1:9"
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9 cannot be reached.*--list-urls.*data import"):
        shell.run("get", "BTCUSDT", "--from", "2023-01")
    urls = shell.run("get", "BTCUSDT", "--from", "2023-02", "--list-urls").split()
    below = "http://127.0.0.1:9/data/spot"
    assert urls[:2] == [f"{below}/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2023-02.zip{end}" for end in ("", ".CHECKSUM")]
    assert urls[-2] == f"{below}/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2023-04-01.zip"
    with pytest.raises(InvalidRequest, match=r"backtest\.archive_url: is empty"):
        main(["get", "BTCUSDT", "--from", "2023-01", "--archive-url", "", "--data-dir", "x"], "data", _outside())


def _outside() -> Outside:
    """Only what `data` asks for."""
    ways = SimpleNamespace(archives=lambda url: BinanceArchives(url, pause=_at_once), now_ms=lambda: NOW_MS)
    return cast("Outside", ways)


def test_as_a_process_from_another_folder(archive: Archive, tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "GRIDHIVE_ARCHIVE_URL": archive.address}
        command = [sys.executable, "-m", "backtest", *words]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    got = run("data", "get", "BTCUSDT", "--interval", "1h", "--from", "2023-01", "--to", "2023-02", "--json")
    assert (got.returncode, got.stderr) == (0, "")
    assert sorted(json.loads(got.stdout)["fetched"]) == ["2023-01", "2023-02"]
    assert (tmp_path / "data/market/spot/klines/BTCUSDT/1h/2023-01.parquet").is_file()
    refused = run("data", "gaps", "ETHUSDT")
    assert refused.returncode == 1
    assert refused.stderr.startswith("python -m backtest data: nothing of ETHUSDT is stored")
