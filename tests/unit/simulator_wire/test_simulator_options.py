from pathlib import Path

import pytest

from simulator.options import DEFAULT_SYMBOLS, OptionsError, parse_options
from simulator.wire.numbers import MONEY_UNIT


def test_nothing_given_means_a_market_for_play() -> None:
    options = parse_options([])
    assert options.market == "auto"
    assert options.symbols == tuple(DEFAULT_SYMBOLS.split(","))
    assert options.keys == (("simulator-key", "simulator-secret"),)
    assert options.balances == (("USDT", 10_000 * MONEY_UNIT),)
    assert options.speed == 1.0
    assert not options.sockets.lossless


def test_several_accounts_and_balances() -> None:
    options = parse_options(
        ["--market", "synthetic", "--speed", "max", "--api-key", "a", "--api-secret", "1", "--api-key", "b",
         "--api-secret", "2", "--balance", "usdt=5.5", "BTC=0.1", "--balance", "BNB=3"]
    )  # fmt: skip
    assert options.keys == (("a", "1"), ("b", "2"))
    assert dict(options.balances) == {
        "USDT": 11 * MONEY_UNIT // 2,
        "BTC": MONEY_UNIT // 10,
        "BNB": 3 * MONEY_UNIT,
    }
    assert options.is_lock_step
    assert options.sockets.lossless


def test_data_alone_means_a_replay(tmp_path: Path) -> None:
    file = tmp_path / "BTCUSDT_1m.csv"
    file.write_text("")
    options = parse_options(["--data", str(file), "--from", "2024-08-05", "--speed", "60"])
    assert (options.market, options.speed, options.from_ms) == ("replay", 60.0, 1_722_816_000_000)


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["--market", "replay"], "--data FILE"),
        (["--market", "synthetic", "--data", "x"], "--market replay"),
        (["--market", "live", "--speed", "2"], "--speed 1 only"),
        (["--speed", "fast"], "above 0 or max"),
        (["--speed", "0"], "above 0 or max"),
        (["--api-key", "a"], "one --api-secret for each"),
        (["--api-key", "a", "--api-secret", "1", "--api-key", "a", "--api-secret", "2"], "once only"),
        (["--balance", "USDT"], "USDT=10000"),
        (["--balance", "USDT=1e5"], "USDT=10000"),
        (["--data", "/nowhere/BTCUSDT_1m.csv"], "there is no file"),
        (["--market", "synthetic", "--from", "yesterday"], "is no time"),
    ],
)
def test_contradictions_name_the_remedy(arguments: list[str], remedy: str) -> None:
    with pytest.raises(OptionsError, match=remedy):
        parse_options(arguments)


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_options(["--help"])
    text = capsys.readouterr().out
    for word in ("--state", "--speed", "examples:", "/admin/step", "simulator-key"):
        assert word in text
