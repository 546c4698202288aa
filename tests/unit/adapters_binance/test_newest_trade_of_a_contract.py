"""The newest trade on a contract that was traded long ago, which the venue does not tell when asked for the newest."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.binance.trades import TradeReader
from adapters.binance.transport import Call, Transport
from domain.instrument import Instrument, Market

DAY_MS = 86_400_000
NOW_MS = 200 * DAY_MS
BTC = Instrument("binance", Market.FUTURES, "BTC", "USDT")


class Record:
    """Answers like userTrades: seven days unless an id or times are named, three months at most, oldest first."""

    def __init__(self, days_ago: dict[int, int]) -> None:
        self.rows = [{"id": id_, "time": NOW_MS - days * DAY_MS} for id_, days in sorted(days_ago.items())]
        self.times = {Market.FUTURES: SimpleNamespace(now_ms=lambda: NOW_MS)}
        self.questions = 0

    async def send(self, call: Call) -> list[dict[str, Any]]:
        self.questions += 1
        asked = cast("dict[str, int]", dict(call.params))
        kept = [row for row in self.rows if row["time"] >= NOW_MS - 90 * DAY_MS]
        if "fromId" in asked:
            assert "startTime" not in asked
            return [row for row in kept if row["id"] >= asked["fromId"]][: asked["limit"]]
        if "startTime" in asked:
            assert asked["endTime"] - asked["startTime"] <= 7 * DAY_MS
            within = [row for row in kept if asked["startTime"] <= row["time"] <= asked["endTime"]]
            return within[: asked["limit"]]
        return [row for row in kept if row["time"] >= NOW_MS - 7 * DAY_MS][-asked["limit"] :]


@pytest.mark.parametrize(
    ("days_ago", "newest", "most_questions"),
    [
        ({}, 0, 2),
        ({7: 300}, 0, 2),
        ({7: 3, 9: 1}, 9, 1),
        ({id_: 40 + (3_000 - id_) // 300 for id_ in range(1, 3_000)}, 2_999, 12),
    ],
)
def test_it_is_found_without_reading_the_whole_history(days_ago, newest, most_questions):
    record = Record(days_ago)
    assert asyncio.run(TradeReader(cast("Transport", record), "gh-").newest_id(BTC)) == newest
    assert record.questions <= most_questions
