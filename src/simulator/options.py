"""Command-line options of the simulator process."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

from simulator.faults.plan import Plan, PlanError
from simulator.faults.teaching import FAULTS_HELP
from simulator.market.feed import MarketError
from simulator.market.files import DataSource, parse_moment
from simulator.subjects import SUBJECTS
from simulator.um.core.contracts import MARGIN_ASSET
from simulator.wire.connections import FUTURES_RULES, SocketRules
from simulator.wire.limits import FUTURES_LIMITS, Limits
from simulator.wire.numbers import MONEY_UNIT

MarketKind = Literal["auto", "live", "replay", "synthetic"]

DEFAULT_SYMBOLS: Final = "BTCUSDT,ETHUSDT,BNBUSDT,SOLUSDT,ADAUSDT,XRPUSDT,DOGEUSDT,LINKUSDT"
DEFAULT_KEY: Final = "simulator-key"
DEFAULT_SECRET: Final = "simulator-secret"  # noqa: S105 - opens play money on loopback only
DEFAULT_BALANCE: Final = "USDT=10000"

_EPILOG: Final = """\
examples:
  python -m simulator                                     live market if Binance answers, else a synthetic one
  python -m simulator --market synthetic --seed 7         the same random market every time
  python -m simulator --market replay --data BTCUSDT=btc_1m.parquet --from 2024-08-05 --speed 60
  python -m simulator --market replay --data btc.parquet --speed max
                                                          lock-step: advances on POST /admin/step only

One JSON line with the addresses appears on stdout when the simulator is ready; all else goes to stderr.
Clients sign with the default key 'simulator-key' and secret 'simulator-secret' unless others are given.
docs/simulator.md tells the rest: admin calls, faults, what the exchange does and does not do.

"""


class OptionsError(Exception):
    """Options that do not fit together; the text says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the process was asked to be.

    `speed` is market seconds per wall second, None for lock-step. `keys` are (key, secret) pairs, each
    with an account of its own that starts with `balances` (asset to amount scaled by 10**16).
    """

    host: str
    port: int
    futures_port: int
    market: MarketKind
    sources: tuple[DataSource, ...]
    symbols: tuple[str, ...]
    speed: float | None
    from_ms: int | None
    to_ms: int | None
    at_now: bool
    seed: int
    state: Path | None
    keys: tuple[tuple[str, str], ...]
    balances: tuple[tuple[str, int], ...]
    futures_balances: tuple[tuple[str, int], ...]
    pays_in_bnb: bool
    lenient: bool
    limits: Limits
    futures_limits: Limits
    sockets: SocketRules
    faults: Plan

    @property
    def futures_sockets(self) -> SocketRules:
        """Return the rules of the futures port: its own wherever an option was left as it is."""
        usual = SocketRules()
        own = {
            name: value for name, value in FUTURES_RULES.items() if getattr(self.sockets, name) == getattr(usual, name)
        }
        return replace(self.sockets, **own)

    @property
    def is_lock_step(self) -> bool:
        return self.speed is None


def parse_options(arguments: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        OptionsError: options that contradict each other.
        SystemExit: bad syntax or `--help`, as argparse does.
    """
    given = _parser().parse_args(arguments)
    market: MarketKind = given.market or ("replay" if given.data else "auto")
    speed = _speed(given.speed)
    _check_market(market, speed, given)
    try:
        return Options(
            host=given.host,
            port=given.port,
            futures_port=given.futures_port,
            market=market,
            sources=tuple(DataSource.parse(text) for text in _flat(given.data)),
            symbols=tuple(name for name in given.symbols.upper().split(",") if name),
            speed=speed,
            from_ms=None if given.start is None else parse_moment(given.start),
            to_ms=None if given.end is None else parse_moment(given.end),
            at_now=given.at == "now",
            seed=given.seed,
            state=given.state,
            keys=_keys(given.api_key, given.api_secret),
            balances=_balances(_flat(given.balance) or [DEFAULT_BALANCE]),
            futures_balances=_futures_balances(_flat(given.futures_balance)),
            pays_in_bnb=given.fees_in_bnb,
            lenient=given.lenient_parameters,
            limits=_limits(given),
            futures_limits=_futures_limits(given),
            sockets=_sockets(given, lossless=speed is None),
            faults=Plan() if given.faults is None else Plan.load(given.faults, SUBJECTS),
        )
    except (MarketError, PlanError) as exc:
        raise OptionsError(str(exc)) from exc


def _limits(given: argparse.Namespace) -> Limits:
    return Limits(
        request_weight=given.request_weight_limit,
        orders_10s=given.orders_10s,
        orders_day=given.orders_day,
        raw_requests=given.raw_requests,
        connections=given.connection_attempts,
    )


def _futures_limits(given: argparse.Namespace) -> Limits:
    return replace(
        FUTURES_LIMITS,
        request_weight=given.futures_request_weight_limit,
        orders_10s=given.futures_orders_10s,
        orders_minute=given.futures_orders_minute,
        connections=given.connection_attempts,
    )


def _sockets(given: argparse.Namespace, *, lossless: bool) -> SocketRules:
    return SocketRules(
        ping_s=given.ping_s,
        pong_s=given.pong_s,
        lifetime_s=given.connection_lifetime_s,
        messages_per_s=given.messages_per_s,
        queue_frames=given.queue_frames,
        lossless=lossless,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="A Binance-compatible spot and USD-M futures exchange to trade against without risk.",
        epilog=_EPILOG + FAULTS_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_place(parser.add_argument_group("place"))
    _add_market(parser.add_argument_group("market"))
    _add_accounts(parser.add_argument_group("accounts"))
    _add_limits(parser.add_argument_group("limits and sockets"))
    parser.add_argument_group("faults").add_argument(
        "--faults", type=Path, metavar="PLAN.yaml", help="let this exchange misbehave by a plan; see below"
    )
    return parser


Group = argparse._ArgumentGroup  # noqa: SLF001 - argparse has no public name for it


def _add_place(group: Group) -> None:
    group.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    group.add_argument("--port", type=int, default=8090, help="spot port, 0 for a free one (%(default)s)")
    group.add_argument("--futures-port", type=int, default=8091, help="futures port, 0 for a free one (%(default)s)")
    group.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="folder that keeps accounts, orders and the place in a replay",
    )


def _add_market(group: Group) -> None:
    group.add_argument(
        "--market",
        choices=("auto", "live", "replay", "synthetic"),
        help="where prices come from; auto asks Binance for 3 s, then falls back to synthetic "
        "(default: replay with --data, else auto)",
    )
    group.add_argument(
        "--data",
        action="append",
        nargs="+",
        metavar="[spot:|um:|mark:|funding:]SYMBOL=FILE",
        help="candles or trades to replay, mark prices and funding of contracts; a bare FILE whose name begins "
        "with the symbol will do",
    )
    group.add_argument("--symbols", default=DEFAULT_SYMBOLS, help="symbols of a live or synthetic market (%(default)s)")
    group.add_argument(
        "--speed",
        default="1",
        metavar="X|max",
        help="market seconds per second; max is lock-step, advanced by POST /admin/step (%(default)s)",
    )
    group.add_argument("--from", dest="start", metavar="TIME", help="first moment to replay, ISO (UTC) or epoch")
    group.add_argument("--to", dest="end", metavar="TIME", help="end of the replay, exclusive")
    group.add_argument("--at", choices=("now",), help="now: shift a replay so that it begins now")
    group.add_argument("--seed", type=int, default=1, help="seed of a synthetic market (%(default)s)")


def _add_accounts(group: Group) -> None:
    group.add_argument("--api-key", action="append", metavar="K", help="API key; repeat for more accounts")
    group.add_argument("--api-secret", action="append", metavar="S", help="its secret, in the same order")
    group.add_argument(
        "--balance",
        action="append",
        nargs="+",
        metavar="ASSET=AMOUNT",
        help=f"what each new account starts with ({DEFAULT_BALANCE})",
    )
    group.add_argument(
        "--futures-balance",
        action="append",
        nargs="+",
        metavar="USDT=AMOUNT",
        help="what the futures wallet of each new account starts with (nothing)",
    )
    group.add_argument("--fees-in-bnb", action="store_true", help="accounts pay commission in BNB while they have some")


def _add_limits(group: Group) -> None:
    limits, rules, futures = Limits(), SocketRules(), FUTURES_LIMITS
    for name, default, meaning in (
        ("--request-weight-limit", limits.request_weight, "request weight per minute and address"),
        ("--orders-10s", limits.orders_10s, "unfilled order count per 10 s and account"),
        ("--orders-day", limits.orders_day, "unfilled order count per day and account"),
        ("--futures-request-weight-limit", futures.request_weight, "the same on the futures port"),
        ("--futures-orders-10s", futures.orders_10s, "orders per 10 s and futures account"),
        ("--futures-orders-minute", futures.orders_minute, "orders per minute and futures account"),
        ("--raw-requests", limits.raw_requests, "requests per 5 minutes and address"),
        ("--connection-attempts", limits.connections, "WebSocket connections per 5 minutes and address"),
        ("--messages-per-s", rules.messages_per_s, "incoming messages per second on a stream socket"),
        ("--queue-frames", rules.queue_frames, "frames a slow reader may fall behind before it is closed"),
    ):
        group.add_argument(name, type=_positive, default=default, metavar="N", help=f"{meaning} (%(default)s)")
    for name, span_s, meaning in (
        ("--ping-s", rules.ping_s, "seconds between server pings"),
        ("--pong-s", rules.pong_s, "seconds a pong may take"),
        ("--connection-lifetime-s", rules.lifetime_s, "seconds after which every socket is closed"),
    ):
        group.add_argument(name, type=float, default=span_s, metavar="S", help=f"{meaning} (%(default)s)")
    group.add_argument(
        "--lenient-parameters", action="store_true", help="ignore unknown parameters instead of refusing them"
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, was {text}")
    return number


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise OptionsError(f"--speed must be a number above 0 or max, was {text!r}")
    return speed


def _check_market(market: str, speed: float | None, given: argparse.Namespace) -> None:
    if market == "replay" and not given.data:
        raise OptionsError("--market replay needs at least one --data FILE")
    if market != "replay" and given.data:
        raise OptionsError(f"--data is for --market replay, not for {market}")
    if market in {"live", "auto"} and speed != 1.0:
        raise OptionsError(f"--market {market} runs at --speed 1 only; choose replay or synthetic for another speed")


def _keys(keys: list[str] | None, secrets: list[str] | None) -> tuple[tuple[str, str], ...]:
    pairs = tuple(zip(keys or [DEFAULT_KEY], secrets or [DEFAULT_SECRET], strict=False))
    if len(keys or [""]) != len(secrets or [""]) or bool(keys) != bool(secrets):
        raise OptionsError("give one --api-secret for each --api-key")
    if len({key for key, _ in pairs}) != len(pairs):
        raise OptionsError("each --api-key must be given once only")
    return pairs


def _balances(items: Sequence[str]) -> tuple[tuple[str, int], ...]:
    return tuple(_balance(item) for item in items)


def _balance(item: str) -> tuple[str, int]:
    match = re.fullmatch(r"([A-Za-z0-9]{2,12})=([0-9]{1,15}(?:\.[0-9]{1,16})?)", item)
    if match is None:
        raise OptionsError(f"--balance must look like USDT=10000, was {item!r}")
    return match[1].upper(), int(Decimal(match[2]) * MONEY_UNIT)


def _futures_balances(items: Sequence[str]) -> tuple[tuple[str, int], ...]:
    balances = _balances(items)
    for asset, _ in balances:
        if asset != MARGIN_ASSET:
            raise OptionsError(f"--futures-balance must look like USDT=10000: the futures wallet holds no {asset}")
    return balances


def _flat(groups: list[list[str]] | None) -> list[str]:
    return [item for group in groups or [] for item in group]
