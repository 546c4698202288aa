"""Steps per second of the simulator's matching core with a full book, next to a bare loop in the same run.

A step is one print of a random walk of single ticks, given to `Exchange.print_trade` and told to a listener.
The book holds 1,000 resting limit orders, 500 a side; an order that fills is replaced at once by its
counter-order on the other side, as a grid does, so the book stays full. `--stops` lets conditional orders wait
beyond it, which must cost nothing. The machine's noise is why the best
of several rounds is reported, and why the bare loop (attribute reads and comparisons of the same prints,
which no matching core can do without) stands beside it.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable

from simulator.core.events import ExchangeEvent, ExecutionType, MarketTrade, OrderChanged
from simulator.core.exchange import Exchange
from simulator.core.orders import Order, OrderParams, OrderStatus, OrderType, Side, TimeInForce
from simulator.core.symbols import NOTIONAL_UNIT, UNIT, SymbolSpec

SYMBOL = "BTCUSDT"
TICK = UNIT // 100
START = 60_000 * UNIT
LOT = UNIT // 1000
TARGET = 300_000  # steps per second


def random_walk(steps: int, seed: int) -> list[MarketTrade]:
    draw = random.Random(seed)  # noqa: S311 - a walk, not a secret
    price, trades = START, []
    for step in range(steps):
        price += TICK if draw.random() < 0.5 else -TICK
        trades.append(MarketTrade(SYMBOL, price, draw.randrange(1, 50) * LOT, step * 100, draw.random() < 0.5))
    return trades


class Grid:
    """Keeps `orders` resting around the start price, `spacing` ticks apart."""

    def __init__(self, orders: int, spacing: int, stops: int) -> None:
        spec = SymbolSpec(symbol=SYMBOL, base="BTC", quote="USDT", tick=TICK, lot=LOT, max_orders=0, max_algo_orders=0)
        self._spacing = spacing * TICK
        self._filled: list[Order] = []
        self.fills = 0
        self.exchange = Exchange([spec], listener=self._hear)
        wealth = 10**9 * NOTIONAL_UNIT
        self.exchange.open_account("grid", {"BTC": wealth, "USDT": wealth})
        for level in range(1, orders // 2 + 1):
            self._place(Side.BUY, START - level * self._spacing, 0)
            self._place(Side.SELL, START + level * self._spacing, 0)
        for stop in range(1, stops + 1):
            self._place(Side.SELL, START // 2 - stop * TICK, 0, stop_price=START // 2 - stop * TICK)

    def run(self, trades: list[MarketTrade]) -> None:
        step, filled = self.exchange.print_trade, self._filled
        for trade in trades:
            step(trade)
            if filled:
                self._replace(trade.time_ms)

    def _replace(self, now_ms: int) -> None:
        for order in self._filled:
            away = self._spacing if order.side is Side.BUY else -self._spacing
            self._place(order.side.opposite, order.price + away, now_ms)
        self._filled.clear()

    def _hear(self, event: ExchangeEvent) -> None:
        if isinstance(event, OrderChanged) and event.execution_type is ExecutionType.TRADE:
            self.fills += 1
            if event.order.status is OrderStatus.FILLED:
                self._filled.append(event.order)

    def _place(self, side: Side, price: int, now_ms: int, *, stop_price: int | None = None) -> None:
        params = OrderParams(
            symbol=SYMBOL,
            side=side,
            type=OrderType.LIMIT if stop_price is None else OrderType.STOP_LOSS_LIMIT,
            stop_price=stop_price,
            time_in_force=TimeInForce.GTC,
            quantity=LOT,
            price=price,
        )
        self.exchange.place("grid", params, now_ms)


def bare_loop(trades: list[MarketTrade]) -> None:
    low, high = 0, START * 2
    for trade in trades:
        price = trade.price
        if price <= low or price >= high:
            raise ValueError("the walk left its range")


def seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(steps: int, orders: int, spacing: int, stops: int, rounds: int, seed: int) -> dict[str, float | int]:
    trades = random_walk(steps, seed)
    best, bare, fills, resting = float("inf"), float("inf"), 0, 0
    for _ in range(rounds):
        grid = Grid(orders, spacing, stops)
        best = min(best, seconds(lambda grid=grid: grid.run(trades)))
        bare = min(bare, seconds(lambda: bare_loop(trades)))
        fills, resting = grid.fills, len(grid.exchange.open_orders("grid", SYMBOL)) - stops
    return {
        "steps": steps,
        "resting_orders": resting,
        "waiting_stops": stops,
        "fills": fills,
        "steps_per_s": round(steps / best),
        "bare_loop_steps_per_s": round(steps / bare),
        "target_steps_per_s": TARGET,
        "rounds": rounds,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300_000, help="prints per round (default %(default)s)")
    parser.add_argument("--orders", type=int, default=1_000, help="resting orders (default %(default)s)")
    parser.add_argument("--spacing", type=int, default=10, help="ticks between orders (default %(default)s)")
    parser.add_argument("--stops", type=int, default=0, help="waiting stop orders (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, best one counts (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the walk (default %(default)s)")
    chosen = parser.parse_args()
    result = measure(chosen.steps, chosen.orders, chosen.spacing, chosen.stops, chosen.rounds, chosen.seed)
    print(json.dumps({"benchmark": "matching_core", **result}))
    print(
        f"{result['steps_per_s']:,} steps/s with {result['resting_orders']:,} resting orders and "
        f"{result['fills']:,} fills (bare loop {result['bare_loop_steps_per_s']:,}, target {TARGET:,})"
    )
    return 0 if result["steps_per_s"] >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
