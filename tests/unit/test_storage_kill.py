"""A process killed while it commits: what it was told is stored is there, whole, in the same epoch."""

import subprocess
import sys
from pathlib import Path

from adapters.storage import open_store
from fakes.store_clock import StillClock
from fakes.store_examples import BTC, PLAN, SHADOW

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
sys.path[:0] = sys.argv[1:3]
from adapters.storage import open_store
from domain.orders import Status
from fakes.store_clock import StillClock
from fakes.store_examples import SHADOW, fill, intent, order
store = open_store(sys.argv[3], SHADOW, StillClock())
for number in range(1, 1_000_000):
    store.add_intents([intent(f"a{number}"), intent(f"b{number}")])
    store.record([order(intent(f"a{number}"), Status.FILLED)], [fill(number, f"a{number}")])
    print(number, flush=True)
"""


def test_nothing_that_was_acknowledged_is_lost(tmp_path):
    url = f"sqlite:///{tmp_path / 'books.db'}"
    first = open_store(url, SHADOW, StillClock())
    first.add_grid(BTC, PLAN, 1, 2)
    first.close()
    command = [sys.executable, "-c", WRITER, str(ROOT / "src"), str(ROOT / "tests"), url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(50):
            assert writer.stdout.readline()
        writer.kill()
        acknowledged = 50 + len(writer.stdout.readlines())
    store = open_store(url, SHADOW, StillClock())
    orders, fills = store.orders(1), store.fills(1)
    store.close()
    assert store.epoch == first.epoch
    assert len(orders) % 2 == 0
    assert 2 * acknowledged <= len(orders) <= 2 * (acknowledged + 1)
    assert acknowledged <= len(fills) <= acknowledged + 1
