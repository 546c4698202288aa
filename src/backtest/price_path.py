"""Candles and trades as the engine reads them: whole ticks, and the extremes of blocks of rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from backtest.bnb_market import BnbMarket
from backtest.candles import BadCandles, Candles, IntColumn
from backtest.contract_market import ContractMarket
from backtest.core import layout as at
from backtest.scales import scales_of
from backtest.scenario import PPM, FillKind, Scenario
from backtest.trade_slices import TradeSlice
from domain.money import UNITS_PER_ONE, to_units

Table = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PricePath:
    """One market for any number of replays with the same tick.

    `points` is how many prints a row stands for: 4 for a candle, 1 where every row is one trade.
    """

    candles: Candles
    tick: int  # 1e-8 quote
    points: int
    table: Table  # columns OPEN, HIGH, LOW, CLOSE of the engine, in ticks
    blocks: Table
    volume: IntColumn  # 1e-8 base, rounded
    open_ms: IntColumn
    close_ms: IntColumn  # the last millisecond
    highest: int  # ticks
    most_volume: int
    bnb_market: BnbMarket | None
    bnb: IntColumn  # units of money per 1e-8 BNB in each row; empty without a market of BNB
    highest_bnb: int
    contract: ContractMarket | None
    funding: IntColumn  # as the engine reads it; empty on spot

    def check(self, scenario: Scenario) -> None:
        """Refuse a scenario whose BNB costs what this path does not know.

        Raises:
            ValueError: if it was made for another market of BNB.
        """
        wanted = scenario.fees.bnb_market
        if wanted is not None and wanted is not self.bnb_market:
            raise ValueError("the path was made for another price of BNB; make one for the scenario")
        if scenario.contract is not self.contract:
            raise ValueError("the path was made for another contract; make one for the scenario")

    @property
    def market(self) -> IntColumn:
        """Return the table as the engine reads it, row after row."""
        return self.table.reshape(-1)

    def plain_tape(self, brackets: list[int]) -> at.Tape:
        """Return the market as the plain form of the engine reads it."""
        columns = (self.market, self.blocks, self.volume, self.bnb, self.open_ms, self.funding)
        prices, blocks, volume, bnb, times, funding = (column.tolist() for column in columns)
        return at.Tape(prices, blocks, volume, bnb, times, funding, brackets)

    def named(self, fills: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the engine's fills as a table of its own, their moments named by their times.

        A candle's points print at its start, after a quarter, at half time and in its last millisecond.
        """
        table = fills.reshape(-1, at.FILL_WIDTH).copy()
        table[:, 0] = self._times_of(table[:, 0].astype(np.int64))
        return table

    def time_of(self, moment: int) -> int:
        """Return when a moment of the engine is."""
        return int(self._times_of(np.array([moment], dtype=np.int64))[0])

    def _times_of(self, moments: IntColumn) -> IntColumn:
        interval = self.candles.interval_ms
        after = np.array([0, interval // 4, interval // 2, interval - 1], dtype=np.int64)
        times: IntColumn = self.open_ms[moments // at.POINTS_PER_ROW] + after[moments % at.POINTS_PER_ROW]
        return times

    @classmethod
    def of(cls, candles: Candles, scenario: Scenario, *, points: int = 4, unit: int | None = None) -> "PricePath":
        """Translate candles; `unit` is one of money that several scenarios share.

        Raises:
            BadCandles: for another market than the scenario's, or a price that is no whole number of ticks.
        """
        _check_market(candles, scenario)
        if points not in (1, 4):
            raise ValueError(f"points must be 4 for candles or 1 for trades, was {points}")
        tick = to_units(scenario.rules.tick)
        table, bnb = _in_ticks(candles, tick), _bnb_in_units(scenario, candles.open_ms, unit)
        blocks = _blocks(table, bnb)
        volume = np.rint(np.minimum(candles.volume * UNITS_PER_ONE, float(at.NOTHING))).astype(np.int64)
        return cls(
            candles=candles,
            tick=tick,
            points=points,
            table=table,
            blocks=blocks,
            volume=volume,
            open_ms=candles.open_ms.copy(),
            close_ms=candles.open_ms + (candles.interval_ms - 1),
            highest=int(blocks[at.BLOCK_HIGH].max()),
            most_volume=int(volume.max()),
            bnb_market=scenario.fees.bnb_market,
            bnb=bnb,
            highest_bnb=int(bnb.max(initial=0)),
            contract=scenario.contract,
            funding=_funding(scenario, candles),
        )

    @classmethod
    def of_trades(cls, trades: TradeSlice, scenario: Scenario, *, unit: int | None = None) -> "PricePath":
        """Translate trades, each of them one print; `candles` are then their minutes; `unit` is as in `of`.

        `volume` is what the scenario's fill assumption leaves to an order at a trade's price.

        Raises:
            BadCandles: as `of`.
        """
        candles = trades.candles()
        _check_market(candles, scenario)
        if scenario.contract is not None:
            raise BadCandles("trades of contracts are not replayed; use candles")
        tick = to_units(scenario.rules.tick)
        table = np.repeat(_whole_ticks(trades.price, tick), at.ROW_WIDTH).reshape(-1, at.ROW_WIDTH)
        bnb = _bnb_in_units(scenario, trades.time_ms, unit)
        blocks = _blocks(table, bnb)
        volume = _our_share(trades.quantity, scenario)
        return cls(
            candles=candles,
            tick=tick,
            points=1,
            table=table,
            blocks=blocks,
            volume=volume,
            open_ms=trades.time_ms,
            close_ms=trades.time_ms,
            highest=int(blocks[at.BLOCK_HIGH].max()),
            most_volume=int(volume.max()),
            bnb_market=scenario.fees.bnb_market,
            bnb=bnb,
            highest_bnb=int(bnb.max(initial=0)),
            contract=scenario.contract,
            funding=np.empty(0, dtype=np.int64),
        )


def _check_market(candles: Candles, scenario: Scenario) -> None:
    instrument = scenario.rules.instrument
    if candles.market is not instrument.market:
        raise BadCandles(f"the prices are of the {candles.market} market, the grid is planned for {instrument}")


def _in_ticks(candles: Candles, tick: int) -> Table:
    table = np.empty((len(candles), at.ROW_WIDTH), dtype=np.int64)
    columns = {
        at.OPEN: candles.open,
        at.HIGH: candles.high,
        at.LOW: candles.low,
        at.CLOSE: candles.close,
    }
    for place, prices in columns.items():
        table[:, place] = _whole_ticks(prices, tick)
    return table


def _our_share(quantity: IntColumn, scenario: Scenario) -> IntColumn:
    """Return whole lots, in 1e-8, of each trade; what is less than a lot of one is added to the next."""
    lot, ppm = to_units(scenario.rules.lot), scenario.fill.share_ppm
    if scenario.fill.kind is not FillKind.SHARE:
        return quantity // lot * lot
    parts = np.minimum(quantity // lot, at.NOTHING // PPM) * ppm
    rest = np.cumsum(parts % PPM) // PPM
    lots: IntColumn = parts // PPM + np.diff(rest, prepend=0)
    return lots * lot


def _whole_ticks(prices: IntColumn, tick: int) -> IntColumn:
    ticks: IntColumn = prices // tick
    off = np.flatnonzero(ticks * tick != prices)
    if len(off):
        raise BadCandles(
            f"row {off[0]}: price {prices[off[0]]} (1e-8) is no whole number of ticks of {tick} (1e-8); "
            "use the tick that the venue asked for at that time"
        )
    return ticks


def _bnb_in_units(scenario: Scenario, time_ms: IntColumn, unit: int | None = None) -> IntColumn:
    market = scenario.fees.bnb_market
    if market is None:
        return np.empty(0, dtype=np.int64)
    price: IntColumn = market.at(time_ms) // (scales_of(scenario).unit if unit is None else unit)
    return price


def _funding(scenario: Scenario, candles: Candles) -> IntColumn:
    told = [] if scenario.contract is None else scenario.contract.settlements(candles, to_units(scenario.rules.lot))
    return np.array(told, dtype=np.int64)


def _blocks(table: Table, bnb: IntColumn) -> Table:
    starts = np.arange(0, len(table), at.BLOCK)
    blocks = np.zeros((at.BLOCK_ROWS, len(starts)), dtype=np.int64)
    blocks[at.BLOCK_HIGH] = np.maximum.reduceat(table[:, at.HIGH], starts)
    blocks[at.BLOCK_LOW] = np.minimum.reduceat(table[:, at.LOW], starts)
    blocks[at.BLOCK_TOP] = np.maximum.reduceat(table[:, at.CLOSE], starts)
    blocks[at.BLOCK_BOTTOM] = np.minimum.reduceat(table[:, at.CLOSE], starts)
    if len(bnb):
        blocks[at.BLOCK_BNB_TOP] = np.maximum.reduceat(bnb, starts)
        blocks[at.BLOCK_BNB_BOTTOM] = np.minimum.reduceat(bnb, starts)
    return blocks
