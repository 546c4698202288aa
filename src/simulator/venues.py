"""Both venues of one market: what happens on spot reaches the contracts."""

from dataclasses import dataclass

from simulator.core.events import MarketTrade
from simulator.market.feed import FeedStep
from simulator.um.market.feed import ContractStep
from simulator.um.wire.venue import FuturesVenue
from simulator.wire.venue import Venue


@dataclass(frozen=True, slots=True)
class Venues:
    """The spot venue and the futures venue beside it."""

    spot: Venue
    futures: FuturesVenue

    def play(self, step: FeedStep) -> None:
        """Let one instant happen: a recorded contract's own, or the spot market's with what follows it."""
        if isinstance(step, ContractStep):
            self.futures.play(step)
            return
        self.spot.play(step)
        if self.futures.is_awake:
            self.futures.follow(step)

    def remember(self, step: FeedStep) -> None:
        """Count a step that an earlier run has played: in the candles, and nowhere else."""
        (self.futures if isinstance(step, ContractStep) else self.spot).remember(step)

    def print_trade(self, trade: MarketTrade, *, on_futures: bool) -> None:
        """Print one trade of somebody's choosing."""
        step = FeedStep(trade.time_ms, (trade,))
        self.play(ContractStep(step.time_ms, step.trades) if on_futures else step)

    def touched_accounts(self) -> bool:
        """Tell whether an account changed in this turn."""
        return self.spot.touched_accounts() or (self.futures.is_awake and self.futures.touched_accounts())

    def has_news(self) -> bool:
        return self.spot.has_news() or self.futures.has_news()
