"""The USD-M side of a market: recorded contracts where files are given, else contracts that follow spot."""

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from simulator.core.events import MarketTrade
from simulator.market.books import BookModel
from simulator.market.feed import Candle, FeedStep, MarketError, MarketPast
from simulator.market.files import DataSource
from simulator.market.recordings import Recording, Stretch, open_recording
from simulator.um.market.basis import Basis
from simulator.um.market.contracts import as_symbol, contract_of, on_recorded_grid
from simulator.um.market.records import FundingRecord, MarkRecord

_LAST_RESORT: Final = "1m"


@dataclass(frozen=True, slots=True)
class ContractStep(FeedStep):
    """One instant of a recorded contract."""


class ContractFeed:
    """Contracts of one market: their rules, their past and, where recorded, their steps.

    A contract without a recording follows its spot symbol at a small basis drawn from the seed.
    """

    def __init__(
        self,
        spot: MarketPast,
        sources: Sequence[DataSource] = (),
        stretch: Stretch | None = None,
        *,
        seed: int = 1,
        shift_ms: int = 0,
        stand_ins: Sequence[str] = (),
    ) -> None:
        """Open the recordings among `sources`, shifted in time as the spot replay is.

        `stand_ins` are symbols whose spot price is played from the contract's recording.

        Raises:
            MarketError: an unusable file, or one for a symbol that is no contract here.
        """
        self._spot = spot
        self.outage_ms = spot.outage_ms
        self.basis = Basis(seed)
        self.specs = {name: each for name, spec in spot.specs.items() if (each := contract_of(spec)) is not None}
        self._refuse_strangers(sources)
        self._recordings = self._opened(sources, stretch or Stretch(), shift_ms)
        self.specs |= {name: on_recorded_grid(self.specs[name], one.spec) for name, one in self._recordings.items()}
        self.marks = {s.symbol: MarkRecord(s, shift_ms) for s in sources if s.content == "mark"}
        self.funding = {s.symbol: FundingRecord(s, shift_ms) for s in sources if s.content == "funding"}
        self._sources, self._stand_ins = tuple(sources), tuple(stand_ins)
        self._models: dict[str, BookModel] = {}

    @property
    def notices(self) -> Sequence[str]:
        """Sentences for the log: what of the contracts is made up."""
        if not self.specs:
            return ()
        return tuple(self._notices())

    @property
    def recorded(self) -> Collection[str]:
        """Return the contracts that have a recording."""
        return self._recordings.keys()

    def is_recorded(self, symbol: str) -> bool:
        return symbol in self._recordings

    def last_price(self, symbol: str) -> int:
        """Return the price before the start."""
        recording = self._recordings.get(symbol)
        if recording is None:
            return self.basis.price(self.specs[symbol], self._spot.last_price(symbol), self._spot.start_ms)
        past = recording.history(_LAST_RESORT, self._spot.start_ms, 1) or recording.history(
            "1d", self._spot.start_ms, 1
        )
        if past:
            return past[-1].close
        return next(trade.price for step in recording.steps(None) for trade in step.trades)

    def history(self, symbol: str, interval: str, end_ms: int, limit: int) -> list[Candle]:
        """Return the past of a recorded contract; see `Past.history`."""
        return self._recordings[symbol].history(interval, end_ms, limit)

    def steps(self, after_ms: int | None = None) -> Iterator[FeedStep]:
        """Yield the steps of recorded contracts by time, from the market's start on."""
        start_ms = self._spot.start_ms - 1
        after = start_ms if after_ms is None else max(start_ms, after_ms)
        merged = heapq.merge(*(one.steps(after) for one in self._recordings.values()), key=attrgetter("time_ms"))
        return (ContractStep(step.time_ms, step.trades, step.book, step.candle) for step in merged)

    def followed(self, trade: MarketTrade) -> FeedStep:
        """Return what a print of the spot symbol does to the contract that follows it."""
        contract = self.specs[trade.symbol]
        price = self.basis.price(contract, trade.price, trade.time_ms)
        quantity = max(contract.lot, trade.qty - trade.qty % contract.lot)
        moved = MarketTrade(trade.symbol, price, quantity, trade.time_ms, trade.buyer_is_maker)
        return FeedStep(trade.time_ms, (moved,), self.model(trade.symbol).after(moved))

    def model(self, symbol: str, *, minute_volume: int = 0) -> BookModel:
        """Return the book model of a contract that follows spot."""
        if symbol not in self._models:
            self._models[symbol] = BookModel(as_symbol(self.specs[symbol]), minute_volume=minute_volume)
        return self._models[symbol]

    def state(self) -> dict[str, Any]:
        """Return the JSON-able identity of the contracts' files."""
        return {"data": [[source.content, source.symbol, source.path.name] for source in self._sources]}

    def _opened(self, sources: Sequence[DataSource], stretch: Stretch, shift_ms: int) -> Mapping[str, Recording]:
        known = {name: as_symbol(spec) for name, spec in self.specs.items()}
        found: dict[str, Recording] = {}
        for source in sources:
            if source.content == "prices":
                recording = open_recording(source, stretch, known)
                recording.shift(shift_ms)
                found[source.symbol] = recording
        return found

    def _refuse_strangers(self, sources: Sequence[DataSource]) -> None:
        seen: set[tuple[str, str]] = set()
        for source in sources:
            if source.symbol not in self.specs:
                raise MarketError(
                    f"--data {source.path}: {source.symbol} is no USD-M contract of this market; "
                    "give candles of the contract or its spot symbol, quoted in USDT"
                )
            if (source.content, source.symbol) in seen:
                raise MarketError(f"--data gives more than one um file of {source.content} for {source.symbol}")
            seen.add((source.content, source.symbol))

    def _notices(self) -> Iterator[str]:
        if self._stand_ins:
            yield f"USD-M: the spot and index price of {', '.join(self._stand_ins)} is the contract's own"
        followers = [name for name in self.specs if name not in self._recordings]
        if followers:
            yield f"USD-M: {', '.join(followers)} follow their spot symbols at a modelled basis"
        for name, recording in self._recordings.items():
            yield from (f"USD-M {notice}" for notice in recording.notices)
            if name not in self.marks:
                yield f"USD-M: the mark price of {name} is modelled from index, funding and last price"
        unfunded = [name for name in self._recordings if name not in self.funding]
        if unfunded or followers:
            yield f"USD-M: the funding rate of {', '.join([*unfunded, *followers])} is modelled from the premium"
