"""One grid back-tested on recorded trades, with everything its report tells."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Final

import polars as pl

from backtest.candles import Candles
from backtest.data.checks import RowChecks
from backtest.data.coverage import gap_text
from backtest.data.reading import Dialect, Source, open_source
from backtest.data.series import TRADE_KINDS, Series, refuse
from backtest.data.store import Store
from backtest.measures import measure
from backtest.rules_source import UsedRules
from backtest.scenario import FillAssumption, FillKind, Scenario
from backtest.study import Assumptions, Bounds, Study, TradesPlayed, scenario_of
from backtest.trade_replay import TradeReplay
from backtest.trade_slices import NEEDED, Slicing, TradeSlice
from domain.grids import GridRequest
from domain.instrument import InstrumentRules, Market
from ports.archives import Recording

_SHOWN_GAPS: Final = 3
Window = tuple[int | None, int | None]


@dataclass(slots=True, kw_only=True)
class TradeSource:
    """Trades of one symbol, read as they are played. Counts and gaps are known once all were."""

    slicing: Slicing
    frames: Iterable[pl.DataFrame]
    origin: str
    allow_gaps: bool = False
    notices: list[str] = field(default_factory=list)
    count: int = 0

    def slices(self) -> Iterator[TradeSlice]:
        """Yield the trades in their order.

        Raises:
            InvalidRequest: if there are none, or, unless they are allowed, at a gap.
            Conflict: if a file of the store is damaged.
        """
        for trades in self.slicing.slices(self.frames):
            if self.slicing.gaps and not self.allow_gaps:
                shown = "; ".join(gap_text(gap) for gap in self.slicing.gaps[:_SHOWN_GAPS])
                refuse("from", f"trades are missing: {shown}. Get or import them, or say --allow-gaps")
            self.count += len(trades)
            yield trades
        if not self.count:
            refuse("from", f"there are no trades in that window, {self.origin}; `data list` shows what is stored")

    @property
    def missing(self) -> int:
        return sum(gap.missing for gap in self.slicing.gaps)


def stored_trades(
    store: Store, symbol: str, market: Market, kind: Recording | None, window: Window, *, allow_gaps: bool = False
) -> TradeSource:
    """Return the stored trades of a window, a day at a time; without a `kind` single trades, else aggregated ones.

    Raises:
        InvalidRequest: naming `trades` if none are stored.
    """
    kinds = [kind] if kind else [Recording.TRADES, Recording.AGG_TRADES]
    stored = [series for each in kinds if store.holdings(series := Series(market, each, symbol))]
    if not stored:
        words = f"data get {symbol} --kind {kinds[-1]} --from 2024-08-08 --to 2024-08-08"
        refuse("trades", f"no {' or '.join(kinds)} of {symbol} are stored; get them: {words}")
    series = stored[0]
    return TradeSource(
        slicing=Slicing(symbol, market),
        frames=store.parts_of(series, NEEDED, *window),
        origin=f"{series.kind} from the store",
        allow_gaps=allow_gaps,
    )


def trades_of_file(
    file: Path, rules: InstrumentRules, kind: Recording | None, window: Window, *, allow_gaps: bool = False
) -> TradeSource:
    """Return the trades of a person's file.

    Raises:
        InvalidRequest: naming `data` if it holds none; later the row that cannot be used.
    """
    source = open_source(file)
    found = kind or source.kind
    if found not in TRADE_KINDS:
        refuse("data", f"{file.name} holds no trades; leave out --trades to replay candles")
    instrument = rules.instrument
    notices = [f"prices are rounded to multiples of {rules.tick:f}"] if source.has_floats(found) else []
    return TradeSource(
        slicing=Slicing(f"{instrument.base}{instrument.quote}", instrument.market),
        frames=_checked(source, found, rules, window),
        origin="; ".join([f"from {file.name}", *notices]),
        allow_gaps=allow_gaps,
    )


def _checked(source: Source, kind: Recording, rules: InstrumentRules, window: Window) -> Iterator[pl.DataFrame]:
    checks, (from_ms, to_ms) = RowChecks(source.path.name, kind), window
    for block in source.blocks(kind, Dialect(tick=rules.tick)):
        rows = checks.check(block)
        time = pl.col("time_us")
        yield rows.filter(
            pl.lit(True) if from_ms is None else time >= from_ms * 1_000,
            pl.lit(True) if to_ms is None else time < to_ms * 1_000,
        )


def study_of_trades(
    request: GridRequest,
    source: TradeSource,
    rules: UsedRules,
    assumed: Assumptions,
    *,
    with_bounds: bool = True,
    made_ms: int = 0,
) -> Study:
    """Replay `request` trade by trade, planned at the first one's price.

    The bounds are the last place in every queue and the first.

    Raises:
        InvalidRequest: with every mistake in the request, or naming what the trades lack.
        BadCandles: for trades that the rules do not fit.
    """
    slices = source.slices()
    first = next(slices)
    kinds = [assumed.fill]
    if with_bounds:
        kinds += [FillAssumption(kind) for kind in (FillKind.THROUGH, FillKind.TOUCH)]
    replays = {fill: TradeReplay(_scenario(request, first.candles(), rules, assumed, fill)) for fill in kinds}
    for trades in chain([first], slices):
        for playing in replays.values():
            playing.play(trades)
    results = {fill: playing.result() for fill, playing in replays.items()}
    candles, played = replays[assumed.fill].candles, TradesPlayed(source.count, source.missing)
    bounds = Bounds(pessimistic=results[kinds[1]], optimistic=results[kinds[2]]) if with_bounds else None
    return Study(
        candles=candles,
        origin=source.origin,
        rules=rules,
        result=results[assumed.fill],
        measures=measure(results[assumed.fill], candles, played.missing_share),
        bounds=bounds,
        made_ms=made_ms,
        trades=played,
    )


def _scenario(
    request: GridRequest, candles: Candles, rules: UsedRules, assumed: Assumptions, fill: FillAssumption
) -> Scenario:
    return scenario_of(request, candles, rules, replace(assumed, fill=fill))
