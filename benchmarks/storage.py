"""How fast the books commit and read: `python benchmarks/storage.py [--folder DIR] [--url URL]`, src on the path.

Each commit is on disk (synchronous=FULL) before the next one begins, so the disk under DIR is what is measured. With
the URL of an empty PostgreSQL database the same is measured there, on the disk of that server.
Beside medians it prints a bare append and fsync of 4 KiB in the same folder, in the same run, to compare with.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from adapters.storage import SqlStore, open_store
from adapters.storage.backup import copy_online
from adapters.storage.integrity import refuse_damaged
from domain.account import Account, Mode
from domain.grids import GridPlan, GridRequest
from domain.instrument import Instrument, Market
from domain.orders import Fill, Intent, OrderType, Role, Side, Slot, Status
from ports.store import OrderRow
from utils.clock import SystemClock

ROUNDS = 400
BATCH = 40
BTC = Instrument("binance", Market.SPOT, "BTC", "USDT")
PRICE, QUANTITY = Decimal("45000.10"), Decimal("0.00025")


def main(folder: Path, url: str | None) -> None:
    file = None if url else folder / "books.db"
    url, account = url or f"sqlite:///{file}", Account("binance", Mode.SHADOW, "0" * 12)
    first_open_ms = once(lambda: open_store(url, account, SystemClock()).close())
    open_ms = once(lambda: open_store(url, account, SystemClock()).close())
    store = open_store(url, account, SystemClock())
    store.add_grid(BTC, plan(), 0, 0)
    results = {"first_open_ms": first_open_ms, "open_ms": open_ms, **commits(store), "fsync_4k_ms": bare(folder)}
    results["orders_read_ms"] = once(lambda: store.orders(1))
    results["live_orders_read_ms"] = once(lambda: store.orders(1, live_only=True))
    results["fills_read_ms"] = once(lambda: store.fills(1))
    rows = {"orders": len(store.orders(1)), "fills": len(store.fills(1))}
    store.close()  # also moves the log into the file
    if file:
        results["bytes_per_order_and_fill"] = file.stat().st_size / rows["orders"]
        results["copy_ms"] = once(lambda: copy_online(file, folder / "copy.db"))
        results["check_ms"] = once(lambda: refuse_damaged(file))
    report(url.partition(":")[0], {**{name: round(value, 4) for name, value in results.items()}, **rows})


def commits(store: SqlStore) -> dict[str, float]:
    """Return medians in ms per commit."""
    return {
        "intent_ms": median(lambda n: store.add_intents([intent(f"one-{n}")])),
        f"intents_{BATCH}_ms": median(lambda n: store.add_intents([intent(f"m-{n}-{i}") for i in range(BATCH)])),
        "fill_ms": median(lambda n: store.record([filled(f"one-{n}")], [fill(n + 1, f"one-{n}")])),
        "repeated_fill_ms": median(lambda n: store.record([], [fill(n + 1, f"one-{n}")])),
        f"fills_{BATCH}_ms": median(
            lambda n: store.record(
                [filled(f"m-{n}-{i}") for i in range(BATCH)],
                [fill(ROUNDS + n * BATCH + i + 1, f"m-{n}-{i}") for i in range(BATCH)],
            )
        ),
    }


def report(database: str, results: dict[str, float]) -> None:
    print(json.dumps({"benchmark": "storage", "database": database, "rounds": ROUNDS, **results}))
    print(
        f"one intent {results['intent_ms']:.2f} ms ({1000 / results['intent_ms']:,.0f}/s), "
        f"{BATCH} in one commit {results[f'intents_{BATCH}_ms']:.2f} ms; "
        f"one fill with its order {results['fill_ms']:.2f} ms ({1000 / results['fill_ms']:,.0f}/s), "
        f"{BATCH} {results[f'fills_{BATCH}_ms']:.2f} ms; "
        f"4 KiB append + fsync {results['fsync_4k_ms']:.2f} ms; "
        f"open {results['open_ms']:.1f} ms, the first time {results['first_open_ms']:.1f} ms"
    )


def median(work: Callable[[int], object]) -> float:
    took = []
    for number in range(ROUNDS):
        before = time.perf_counter()
        work(number)
        took.append(time.perf_counter() - before)
    return statistics.median(took) * 1000


def once(work: Callable[[], object]) -> float:
    before = time.perf_counter()
    work()
    return (time.perf_counter() - before) * 1000


def bare(folder: Path) -> float:
    descriptor = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def append(_: int) -> None:
        os.write(descriptor, bytes(4096))
        os.fsync(descriptor)

    took = median(append)
    os.close(descriptor)
    return took


def plan() -> GridPlan:
    return GridPlan(
        request=GridRequest(instrument=BTC, levels=2, spacing_percent=Decimal(1), capital=Decimal(100)),
        start_price=PRICE,
        prices=(PRICE, PRICE + 450),
        gap=0,
        quantity_per_rung=QUANTITY,
        entry_quantity=QUANTITY,
        entry_limit_price=PRICE,
        capital_needed=Decimal(100),
        profit_per_cycle=Decimal("0.1"),
    )


def intent(client_id: str) -> Intent:
    return Intent(
        client_id=client_id,
        slot=Slot(1, Role.RUNG, Side.BUY, 4_500_010),
        cycle=1,
        attempt=0,
        instrument=BTC,
        type=OrderType.LIMIT_MAKER,
        time_in_force=None,
        quantity=QUANTITY,
        price=PRICE,
        reason="rung 1 of 2 waits for a buyer",
        created_ms=1_700_000_000_000,
    )


def filled(client_id: str) -> OrderRow:
    return OrderRow(intent=intent(client_id), status=Status.FILLED, venue_order_id=28, updated_ms=1_700_000_000_100)


def fill(trade_id: int, client_id: str) -> Fill:
    return Fill(
        instrument=BTC,
        trade_id=trade_id,
        client_id=client_id,
        venue_order_id=28,
        side=Side.BUY,
        price=PRICE,
        quantity=QUANTITY,
        quote_quantity=Decimal("11.250025"),
        commission=Decimal("0.00000025"),
        commission_asset="BTC",
        is_maker=True,
        time_ms=1_700_000_000_100,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure commits and reads of the books.")
    parser.add_argument("--folder", help="a folder on the disk to measure; default: the system's for temporary files")
    parser.add_argument("--url", help="an empty PostgreSQL database instead of a SQLite file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as chosen:
        main(Path(chosen), given.url)
