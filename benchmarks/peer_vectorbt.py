"""The yardstick's grid in vectorbt: an order function of our own, called by its simulator candle after candle.

Run by backtest_peers.py with the interpreter of an environment that holds vectorbt. Prints one line of JSON.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

try:
    import numba as nb
    import vectorbt as vbt
    from vectorbt.portfolio import nb as orders
except ImportError as error:
    print(json.dumps({"absent": str(error)}))
    sys.exit(0)

FEE = 0.001
GAP, POINT = 0, 1


@nb.njit
def price_at(point, i, open_, high, low, close):
    """Return a candle's price: open, low, high, close where it did not fall, else open, high, low, close."""
    rises = close[i, 0] >= open_[i, 0]
    if point == 0:
        return open_[i, 0]
    if point == 3:
        return close[i, 0]
    return low[i, 0] if (point == 1) == rises else high[i, 0]


@nb.njit
def grid_order(c, state, lines, open_, high, low, close):
    """Return the next order of a candle: the limit that its way reaches next, at its own price."""
    count = (len(lines) - 1) // 2
    if c.call_idx == 0:
        state[POINT] = 0
        if c.i == 0:
            state[GAP] = count
            return 0, orders.order_nb(size=float(count), price=lines[count], fees=FEE)
    while state[POINT] < 4:
        gap = state[GAP]
        price = price_at(state[POINT], c.i, open_, high, low, close)
        if gap > 0 and price <= lines[gap - 1]:
            state[GAP] = gap - 1
            return 0, orders.order_nb(size=1.0, price=lines[gap - 1], fees=FEE)
        if gap < 2 * count and price >= lines[gap + 1]:
            state[GAP] = gap + 1
            return 0, orders.order_nb(size=-1.0, price=lines[gap + 1], fees=FEE)
        state[POINT] += 1
    return -1, orders.order_nothing_nb()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--levels", type=int, default=10)
    parser.add_argument("--spacing", type=float, default=0.005)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    columns = np.load(given.data)
    prices = [np.ascontiguousarray(columns[name]).reshape(-1, 1) for name in ("open", "high", "low", "close")]
    first = prices[0][0, 0]
    count = given.levels
    lines = np.round(first * (1 + given.spacing) ** (np.arange(2 * count + 1) - count), 4)

    def run(rows: int | None = None):
        cut = [column[:rows] for column in prices]
        state = np.zeros(2, dtype=np.int64)
        return vbt.Portfolio.from_order_func(
            cut[3],
            grid_order,
            state,
            lines,
            *cut,
            flexible=True,
            init_cash=2.2 * count * first,
            max_orders=200_000,
            freq="1min",
        )

    began = time.perf_counter()
    run(10)
    compile_s = time.perf_counter() - began
    took, fills, equity = [], 0, 0.0
    for _ in range(given.repeats):
        began = time.process_time()
        found = run()
        fills, equity = int(np.sum(found.orders.count())), float(np.sum(found.final_value()))
        took.append(time.process_time() - began)
    told = {"cpu_s": median(took), "compile_s": compile_s, "fills": fills, "equity": round(equity, 4)}
    print(json.dumps(told | {"version": vbt.__version__}))


if __name__ == "__main__":
    main()
