"""Both venues of one market: what happens on spot reaches the contracts."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from simulator.core.events import MarketTrade
from simulator.market.books import BookModel
from simulator.market.feed import Feed, FeedStep
from simulator.um.market.feed import ContractFeed, ContractStep
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

    def require(self, symbol: str, *, on_futures: bool) -> str:
        """Return the symbol if that market has it; -1121 otherwise."""
        return self.futures.require(symbol) if on_futures else self.spot.require(symbol)

    def print_trade(self, trade: MarketTrade, *, on_futures: bool) -> None:
        """Print one trade of somebody's choosing; one on spot reaches the contract that follows it."""
        step = FeedStep(trade.time_ms, (trade,))
        self.play(ContractStep(step.time_ms, step.trades) if on_futures else step)

    def touched_accounts(self) -> bool:
        """Tell whether an account changed in this turn."""
        return self.spot.touched_accounts() or (self.futures.is_awake and self.futures.touched_accounts())

    def has_news(self) -> bool:
        return self.spot.has_news() or self.futures.has_news()


def lay_out_books(spot: Venue) -> None:
    """Put a book around each symbol's last price, so that orders meet one before the first step."""
    for symbol, spec in spot.market.specs.items():
        volume = [candle.volume for candle in spot.candles.candles(symbol, "1m", limit=60)]
        model = BookModel(spec, minute_volume=sum(volume) // max(1, len(volume)))
        now_ms, price = spot.market_ms(), spot.last_price(symbol)
        book = model.after(MarketTrade(symbol, price, spec.lot, now_ms, buyer_is_maker=False))
        spot.exchange.set_book(symbol, book.bids, book.asks, now_ms=now_ms)


def merged_steps(spot: Feed, contracts: ContractFeed, after_ms: int | None) -> Iterator[FeedStep]:
    """Yield the steps of both markets; at the same time spot comes first, being the contracts' index."""
    steps = spot.steps(after_ms)
    if not contracts.recorded:
        return steps
    return heapq.merge(steps, contracts.steps(after_ms), key=attrgetter("time_ms"))
