"""The yardstick's grid in nautilus_trader: a strategy with limit orders, over its back-test engine's own bars.

Run by backtest_peers.py with the interpreter of an environment that holds nautilus_trader. Prints one line of JSON.
"""

import argparse
import json
import sys
import time
from decimal import Decimal
from pathlib import Path
from statistics import median

import numpy as np

try:
    import nautilus_trader
    from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.config import LoggingConfig, StrategyConfig
    from nautilus_trader.model.currencies import BTC, USDT
    from nautilus_trader.model.data import Bar, BarType
    from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
    from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
    from nautilus_trader.model.instruments import CurrencyPair
    from nautilus_trader.model.objects import Money, Price, Quantity
    from nautilus_trader.trading.strategy import Strategy
except ImportError as error:
    print(json.dumps({"absent": str(error)}))
    sys.exit(0)

VENUE = Venue("SIM")
ID = InstrumentId(Symbol("BTCUSDT"), VENUE)
BARS = BarType.from_str(f"{ID}-1-MINUTE-LAST-EXTERNAL")


class GridSettings(StrategyConfig, frozen=True):
    lines: tuple[str, ...]


class Grid(Strategy):
    """One unit on every line but the gap; a fill moves the gap and is answered on the old gap's line."""

    def on_start(self) -> None:
        self.rungs = [Price.from_str(line) for line in self.config.lines]
        self.unit = Quantity.from_str("1.000")
        self.gap = (len(self.rungs) - 1) // 2
        self.line_of: dict[object, int] = {}
        self.started = False
        self.filled = 0
        self.subscribe_bars(BARS)

    def on_bar(self, _bar: Bar) -> None:
        if self.started:
            return
        self.started = True
        count = Quantity.from_str(f"{self.gap}.000")
        self.submit_order(self.order_factory.market(ID, OrderSide.BUY, count))
        for line in range(len(self.rungs)):
            if line != self.gap:
                self.rest(line, OrderSide.BUY if line < self.gap else OrderSide.SELL)

    def rest(self, line: int, side: OrderSide) -> None:
        order = self.order_factory.limit(ID, side, self.unit, self.rungs[line])
        self.line_of[order.client_order_id] = line
        self.submit_order(order)

    def on_order_filled(self, event) -> None:
        self.filled += 1
        line = self.line_of.pop(event.client_order_id, None)
        if line is None:
            return
        old, self.gap = self.gap, line
        self.rest(old, OrderSide.SELL if line < old else OrderSide.BUY)


def instrument() -> CurrencyPair:
    return CurrencyPair(
        instrument_id=ID,
        raw_symbol=ID.symbol,
        base_currency=BTC,
        quote_currency=USDT,
        price_precision=4,
        size_precision=3,
        price_increment=Price.from_str("0.0001"),
        size_increment=Quantity.from_str("0.001"),
        maker_fee=Decimal("0.001"),
        taker_fee=Decimal("0.001"),
        ts_event=0,
        ts_init=0,
    )


def bars_of(columns, rows: int) -> list[Bar]:
    """Return the candles as bars, stamped when they close."""
    kept = [columns[name][:rows].tolist() for name in ("ts", "open", "high", "low", "close")]
    size = Quantity.from_str("1000000.000")
    found = []
    for at_ms, open_, high, low, close in zip(*kept, strict=True):
        closed = (at_ms + 60_000) * 1_000_000
        found.append(Bar(BARS, Price(open_, 4), Price(high, 4), Price(low, 4), Price(close, 4), size, closed, closed))
    return found


def run(lines: tuple[str, ...], cash: float, bars: list[Bar]) -> dict[str, float]:
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.CASH,
        starting_balances=[Money(round(cash, 8), USDT), Money(0, BTC)],
        bar_adaptive_high_low_ordering=True,
        use_message_queue=False,
    )
    engine.add_instrument(instrument())
    engine.add_data(bars, validate=False, sort=False)
    grid = Grid(GridSettings(lines=lines))
    engine.add_strategy(grid)
    began = time.process_time()
    engine.run()
    took = time.process_time() - began
    account = engine.cache.account_for_venue(VENUE)
    close = float(bars[-1].close)
    equity = float(account.balance_total(USDT)) + float(account.balance_total(BTC)) * close
    engine.dispose()
    return {"cpu_s": took, "fills": grid.filled, "equity": round(equity, 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--levels", type=int, default=10)
    parser.add_argument("--spacing", type=float, default=0.005)
    parser.add_argument("--rows", type=int, default=525_600)
    parser.add_argument("--repeats", type=int, default=1)
    given = parser.parse_args()
    columns, count = np.load(given.data), given.levels
    first = columns["open"][0]
    lines = np.round(first * (1 + given.spacing) ** (np.arange(2 * count + 1) - count), 4)
    bars = bars_of(columns, given.rows)
    texts = tuple(f"{line:.4f}" for line in lines)
    runs = [run(texts, 2.2 * count * first, bars) for _ in range(given.repeats)]
    told = {"cpu_s": median(one["cpu_s"] for one in runs), "rows": len(bars), "version": nautilus_trader.__version__}
    print(json.dumps(runs[-1] | told))


if __name__ == "__main__":
    main()
