"""Which fees in third assets still want a value, and when their prices are asked for. Pure: times are passed in."""

from dataclasses import dataclass
from typing import Final

from domain.events import Moment
from domain.instrument import Instrument
from domain.orders import Fill
from orders.effects import AskFeePrice

MOST_AT_ONCE: Final = 8
RETRY_S: Final = 60.0
LONGEST_RETRY_S: Final = 3600.0
REFRESH_S: Final = 60.0


@dataclass(slots=True)
class _Ask:
    asset: str
    at_ms: int
    due_s: float = float("-inf")
    pause_s: float = RETRY_S


class FeeWatch:
    """Remembers the fills of one instrument whose fee is in neither base nor quote until each has its value.

    A price that could not be had is asked for again after a minute, then after twice as long, at most an hour. What
    the assets are worth now is asked at most once a minute, and only where such fees were paid at all.
    """

    def __init__(self, instrument: Instrument) -> None:
        self._own = (instrument.base, instrument.quote)
        self._open: dict[int, _Ask] = {}
        self._asked: set[int] = set()
        self._fresh_s: dict[str, float] = {}  # per asset, when its present price was last asked for

    def note(self, fill: Fill) -> None:
        """Take in a booked fill."""
        if fill.commission and fill.commission_asset not in self._own:
            self._open[fill.trade_id] = _Ask(fill.commission_asset, fill.time_ms)
            self._fresh_s.setdefault(fill.commission_asset, float("-inf"))

    def settled(self, trade_id: int) -> None:
        """Note that a fill's fee has its value."""
        self._open.pop(trade_id, None)
        self._asked.discard(trade_id)

    def failed(self, trade_id: int, now: Moment) -> None:
        """Note that a price could not be had."""
        ask = self._open.get(trade_id)
        self._asked.discard(trade_id)
        if ask is not None:
            ask.due_s = now.monotonic_s + ask.pause_s
            ask.pause_s = min(2 * ask.pause_s, LONGEST_RETRY_S)

    @property
    def awaits_answer(self) -> bool:
        """Tell whether the value of a fill's fee is being asked for."""
        return bool(self._asked)

    def due(self, now: Moment) -> list[AskFeePrice]:
        """Return what is to be asked now for fills, oldest first."""
        asks = []
        for trade_id, ask in self._open.items():
            if len(self._asked) >= MOST_AT_ONCE:
                break
            if trade_id not in self._asked and ask.due_s <= now.monotonic_s:
                self._asked.add(trade_id)
                asks.append(AskFeePrice(ask.asset, ask.at_ms, trade_id))
        return asks

    def refresh(self, now: Moment) -> list[AskFeePrice]:
        """Return what is to be asked about present prices; called by the timer."""
        stale = [asset for asset, asked_s in self._fresh_s.items() if now.monotonic_s - asked_s >= REFRESH_S]
        for asset in stale:
            self._fresh_s[asset] = now.monotonic_s
        return [AskFeePrice(asset, now.market_ms, None) for asset in stale]
