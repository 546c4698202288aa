"""Rows as Binance's archives have them, made up."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

HOUR_MS = 3_600_000
KLINE_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def month_ms(year: int, month: int) -> tuple[int, int]:
    start = datetime(year, month, 1, tzinfo=UTC)
    end = (start + timedelta(days=32)).replace(day=1)
    return int(start.timestamp()) * 1000, int(end.timestamp()) * 1000


def kline(open_ms: int, step_ms: int = HOUR_MS, *, per_ms: int = 1, base: int = 20_000) -> str:
    """Return a line whose prices follow from its time, so that any two files agree about it."""
    price = base + open_ms // step_ms % 97
    closed = (open_ms + step_ms) * per_ms - 1
    return (
        f"{open_ms * per_ms},{price}.00000000,{price}.75000000,{price - 1}.10000000,{price}.50000001,"
        f"1.50000000,{closed},{price}.12345678,42,0.75000000,{price}.00000000,0"
    )


def klines(from_ms: int, to_ms: int, step_ms: int = HOUR_MS, *, per_ms: int = 1, base: int = 20_000) -> list[str]:
    return [kline(at, step_ms, per_ms=per_ms, base=base) for at in range(from_ms, to_ms, step_ms)]


def trades(first_id: int, times_ms: Iterator[int] | list[int]) -> list[str]:
    return [
        f"{first_id + at},{100 + at % 7}.25000000,0.50000000,50.12500000,{time_ms},{'True' if at % 2 else 'False'},True"
        for at, time_ms in enumerate(times_ms)
    ]
