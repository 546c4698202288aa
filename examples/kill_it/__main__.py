"""Kill Gridhive at random moments while it trades, and verify from outside that nothing doubled or vanished.

Starts the server, which starts its simulator, on a replay (--data) or on the seeded synthetic market. Several dense
grids trade; the market goes on while whatever was killed is dead. Killed is, with SIGKILL and at seeded moments of
start-up, recovery and trading,

  --kill server      the server; its simulator lives on and the next server adopts it
  --kill simulator   the exchange; the server starts it again and recovers
  --kill both        the server and then the exchange

After the kills and at the end two accounts of the same facts are compared, the API's and the exchange's own (raw signed
REST): no client id twice, at most one live order per slot, every trade in the API's list exactly once, every open order
known, the books equal to the balances to the last digit, residual 0, the grids trade on, and no simulator is left.

Nothing of Gridhive is imported here. The exit code is 0 if nothing differed. docs/chaos-processes.md tells more.

    python examples/kill_it --kills 100 --seed 1 --data BTCUSDT=BTCUSDT_1m.parquet --from 2024-08-05
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from asking import Difference, NoAnswer
from killer import Killer


class Named:
    """SYMBOL=FILE."""

    def __init__(self, text):
        self.symbol, mark, file = text.partition("=")
        self.file = Path(file).resolve()
        if not mark or not self.file.is_file():
            raise argparse.ArgumentTypeError(f"{text}: write SYMBOL=FILE with a file that exists")


def read_arguments():
    parser = argparse.ArgumentParser(
        prog="kill_it", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kill", choices=("server", "simulator", "both"), default="server", help="what (%(default)s)")
    parser.add_argument("--kills", type=int, default=100, help="how often (%(default)s)")
    parser.add_argument("--seed", type=int, help="of the moments and of the synthetic market; drawn if not given")
    parser.add_argument("--data", type=Named, nargs="+", metavar="SYMBOL=FILE", help="recorded 1-minute candles")
    parser.add_argument("--from", dest="start", metavar="TIME", help="start of the stretch, e.g. 2024-08-05")
    parser.add_argument("--to", dest="end", metavar="TIME", help="end of the stretch, exclusive")
    parser.add_argument("--speed", type=float, default=600, help="market seconds per second (%(default)s)")
    parser.add_argument("--levels", type=int, default=80, help="rungs per grid (%(default)s)")
    parser.add_argument("--spacing", type=float, default=0.3, help="percent between rungs (%(default)s)")
    parser.add_argument("--calm", type=float, default=1.5, help="longest trading before a kill, s (%(default)s)")
    parser.add_argument("--dead", type=float, default=1.0, help="longest time a server stays dead, s (%(default)s)")
    parser.add_argument("--starts", type=float, default=0.25, help="share of starts that are killed too (%(default)s)")
    parser.add_argument("--starting", type=float, default=3.0, help="those are killed within, s (%(default)s)")
    parser.add_argument(
        "--rest-every", type=int, default=1, help="await trading and compare after so many restarts (%(default)s)"
    )
    parser.add_argument("--json", metavar="FILE", help="write the summary here too")
    parser.add_argument("--data-dir", metavar="DIR", help="keep books and logs here (default: a temporary folder)")
    given = parser.parse_args()
    given.seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    return given


def show(done, of, trades):
    filled = 40 * done // of
    print(f"\r[{'#' * filled}{'.' * (40 - filled)}] {done}/{of} kills, {trades} trades ", end="", flush=True)


def run(arguments, folder):
    begin_s, difference = time.monotonic(), None
    killer = Killer(arguments, folder)
    try:
        killer.start()
        killer.run(lambda done, trades: show(done, arguments.kills, trades))
    except (Difference, NoAnswer) as error:
        difference = str(error)
    finally:
        left = killer.end()
    if left and difference is None:
        difference = f"{left} simulator(s) outlived the server's orderly end"
    times = sorted(killer.recovered_s) or [0.0]
    return {
        "kill": arguments.kill,
        "seed": arguments.seed,
        "kills": dict(killer.counts),
        "orders": killer.orders,
        "trades": killer.trades,
        "comparisons": killer.comparisons,
        "symbols": killer.symbols,
        "recovery_s": {"median": round(times[len(times) // 2], 2), "longest": round(times[-1], 2)},
        "seconds": round(time.monotonic() - begin_s),
        "difference": difference,
    }


def main():
    arguments = read_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left running
    print(f"seed {arguments.seed}, killing: {arguments.kill}")
    with tempfile.TemporaryDirectory(prefix="gridhive-kills-") as temporary:
        folder = Path(arguments.data_dir or temporary).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise SystemExit(f"--data-dir {folder} is not empty; name a new folder, so that the counts begin at zero")
        summary = run(arguments, folder)
    text = json.dumps(summary, indent=2)
    print(f"\n{text}")
    if arguments.json:
        Path(arguments.json).write_text(text + "\n")
    print("NOT EQUAL" if summary["difference"] else "nothing doubled, vanished or miscounted")
    sys.exit(1 if summary["difference"] else 0)


if __name__ == "__main__":
    main()
