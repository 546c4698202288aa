"""From the settings to the command line of Shadow's own simulator."""

from pathlib import Path

from adapters.simulator_process import SHADOW_KEY, SHADOW_SECRET
from config.settings import Settings

# Wall-clock limits of the venue mean nothing where market time runs faster than the wall's.
_UNLIMITED = (
    *("--orders-10s", "1000000", "--orders-day", "1000000000", "--request-weight-limit", "100000000"),
    *("--futures-orders-10s", "1000000", "--futures-orders-minute", "1000000"),
    *("--futures-request-weight-limit", "100000000"),
)


def simulator_arguments(settings: Settings) -> list[str]:
    """Return the options `python -m simulator` is started with, paths absolute."""
    wanted = settings.simulator
    market = "replay" if wanted.market == "auto" and wanted.replay else wanted.market
    arguments = ["--market", market, "--seed", str(wanted.seed), "--speed", str(wanted.speed)]
    arguments += ["--api-key", SHADOW_KEY, "--api-secret", SHADOW_SECRET]
    arguments += ["--balance", *[f"{asset}={amount:f}" for asset, amount in wanted.balance.items()]]
    arguments += ["--futures-balance", f"USDT={wanted.futures_balance:f}"]
    if market == "replay":
        arguments += ["--data", *[_absolute(name) for name in wanted.replay]]
    else:
        arguments += ["--symbols", ",".join(wanted.symbols)]
    for flag, value in (("--from", wanted.from_ms), ("--to", wanted.to_ms), ("--at", wanted.at)):
        if value is not None:
            arguments += [flag, str(value)]
    if wanted.faults is not None:
        arguments += ["--faults", str(wanted.faults)]
    return arguments if str(wanted.speed) == "1" else [*arguments, *_UNLIMITED]


def _absolute(named: str) -> str:
    symbol, mark, path = named.rpartition("=")
    return f"{symbol}{mark}{Path(path).resolve()}"
