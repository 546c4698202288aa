"""Commands of back-tests run in this process, and candles for them in a file."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.binance.parsing import parse_rules
from backtest.candles import Candles
from backtest.outside import Outside
from domain.money import from_units, plain
from ports.archives import Archives


def no_archives(address: str) -> Archives:
    raise AssertionError(f"a test asked {address}")


OUTSIDE = Outside(archives=no_archives, now_ms=lambda: 1_704_067_200_000, parse_rules=parse_rules)


def write_candles(candles: Candles, file: Path) -> None:
    """Write candles as a CSV file with a head, exact."""
    lines = ["open_time,open,high,low,close,volume"]
    for at in range(len(candles)):
        prices = (plain(from_units(int(getattr(candles, name)[at]))) for name in ("open", "high", "low", "close"))
        moment = datetime.fromtimestamp(int(candles.open_ms[at]) / 1000, UTC)
        lines.append(f"{moment:%Y-%m-%dT%H:%M:%SZ},{','.join(prices)},{candles.volume[at]:.8f}")
    file.write_text("\n".join(lines) + "\n")


def read_json(file: Path) -> Any:
    return json.loads(file.read_text(), parse_constant=lambda word: (_ for _ in ()).throw(ValueError(word)))
