"""The words of `run`, and what they mean."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from backtest.command_options import (
    FUTURES_FEES,
    SPOT_FEES,
    add_assumptions,
    add_bounds,
    add_contract,
    add_grid,
    add_market,
    add_result,
    new_parser,
)
from backtest.grid_config import parse_grid, read_config_file, read_settings
from backtest.scenario import MOST_AMOUNT, PPM, Delays, Fees, FillAssumption, FillKind, PathRule, wrong_with_limit
from backtest.study import Assumptions, WindowLength
from domain.errors import FieldMistake, InvalidRequest
from domain.grids import GridRequest
from domain.instrument import MOST_FEE_PERCENT, Instrument, Market
from domain.money import ZERO, parse_amount
from ports.archives import Recording

BNB_FOLLOWS_MARKET: Final = "market"
"""The price of BNB that is told by its market's candles."""
_PPM_PER_PERCENT: Final = 10_000
_OF_CONTRACT: Final = ("direction", "leverage", "margin_type")
_USUAL_FEES: Final = {Market.SPOT: SPOT_FEES, Market.FUTURES: FUTURES_FEES}
_BNB_SHARE: Final = Decimal("0.01")
_EXAMPLES: Final = {
    "capital": "10000",
    "max_exposure": "5000",
    "fees": "0.1,0.1",
    "bnb_price": "600",
    "bnb": "0.5",
    "fill": "share:5%",
    "latency": "200",
    "orders_per_10s": "50",
}
_EPILOG: Final = """\
examples:
  {program} --symbol BTCUSDT --from 2024-01 --to 2024-12 --set initial_levels=20 --set spacing_perc=0.5 --capital 10000
  {program} --symbol BTCUSDT --data BTCUSDT_1m.parquet --grid grid.yaml --capital 10000 --out result
  {program} ... --fees 0.075,0.075 --fill through --windows month
  {program} ... --trades --from 2024-08-08 --to 2024-08-14      trade by trade, nothing guessed between them

The keys of the grid are those of `config` in POST /api/grid/start: initial_levels, spacing_perc, spacing_mode,
lower_price, upper_price, capital, quantity_per_level, quantity_growth_perc, start_empty, resting_levels, post_only.
A --set wins over the file. More: docs/backtest.md
"""


def parse(words: Sequence[str], program: str) -> argparse.Namespace:
    """Read the command line; `--help` and mistakes in it end the process, as argparse does."""
    parser = new_parser(
        program,
        "Replay one grid over recorded candles, by the live grid's own decisions.",
        _EPILOG.format(program=program),
    )
    market = parser.add_argument_group("market")
    add_market(market)
    market.add_argument(
        "--trades",
        nargs="?",
        const="any",
        choices=("any", Recording.TRADES.value, Recording.AGG_TRADES.value),
        help="replay single trades instead of candles; of the store those that are there, or the kind that is named",
    )
    add_grid(parser.add_argument_group("grid and account"))
    add_contract(parser.add_argument_group("futures"))
    add_assumptions(
        parser.add_argument_group("assumptions"),
        more_fills=", or calibrated (see `backtest parity`)",
        fees=None,
        on_futures=f", on futures {FUTURES_FEES}",
    )
    result = parser.add_argument_group("result")
    add_bounds(result)
    result.add_argument("--windows", choices=tuple(WindowLength), help="start the same grid anew in each of these")
    add_result(result, "result.json", "result.json, report.html and both tables")
    return parser.parse_args(list(words))


@dataclass(frozen=True, slots=True)
class Wish:
    """The grid and the assumptions that the words ask for."""

    request: GridRequest
    assumed: Assumptions


def wish_of(given: argparse.Namespace, instrument: Instrument) -> Wish:
    """Return what is to be replayed.

    Raises:
        InvalidRequest: with every mistake in grid, capital, fees, fill, delays and limit.
    """
    read = read_all(
        {
            "grid": lambda: _grid(given, instrument),
            "fees": lambda: parse_fees(given.fees or usual_fees(instrument.market), given.bnb_price),
            "fill": lambda: parse_fill(given.fill),
            "delays": lambda: parse_delays(given),
            "max_exposure": lambda: parse_limit(given),
        }
    )
    request, capital = read.pop("grid")
    bnb = None if given.bnb_price == BNB_FOLLOWS_MARKET else given.bnb  # counted once its market is read
    balances = balances_of(instrument, capital, read["fees"], bnb)
    return Wish(request, Assumptions(balances=balances, path=PathRule(given.path), **read))


def read_all(readers: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Return what each of them reads.

    Raises:
        InvalidRequest: with the mistakes of all.
    """
    mistakes: list[FieldMistake] = []
    read: dict[str, Any] = {}
    for name, read_it in readers.items():
        try:
            read[name] = read_it()
        except InvalidRequest as error:
            mistakes += error.mistakes
    if mistakes:
        raise InvalidRequest(mistakes)
    return read


def keys_of(given: argparse.Namespace) -> dict[str, object]:
    """Return the grid's keys that file and --set words name.

    Raises:
        InvalidRequest: naming `config` or `set`.
    """
    of_contract = {word: getattr(given, word, None) for word in _OF_CONTRACT}
    named = {word: value for word, value in of_contract.items() if value is not None}
    return {**(read_config_file(given.grid) if given.grid else {}), **read_settings(given.settings), **named}


def balances_of(instrument: Instrument, capital: Decimal, fees: Fees, bnb: str | None) -> dict[str, Decimal]:
    """Return the account: the capital in quote, and BNB where fees are paid in it.

    Raises:
        InvalidRequest: naming `bnb`.
    """
    balances = {instrument.quote: capital}
    price = fees.first_bnb_price
    if price is None and bnb is not None:
        raise _wrong("bnb", "needs what a BNB costs beside it, in quote: --bnb-price 600, or --bnb-price market")
    if price is not None:
        balances["BNB"] = _bnb(bnb, capital, price)
    return balances


def parse_capital(text: str, field: str = "capital") -> Decimal:
    """Return the account's capital, or another amount of an option, in quote.

    Raises:
        InvalidRequest: naming `field`.
    """
    capital = _number(field, text)
    if capital <= 0:
        raise _wrong(field, f"must be above 0, was {text}")
    return capital


def usual_fees(market: Market) -> str:
    """Return what an account without discount pays, as `parse_fees` reads it."""
    return _USUAL_FEES[market]


def parse_fees(text: str, bnb_price: str | None = None) -> Fees:
    """Return the fees that `maker,taker` in percent name; one number is meant for both.

    Where the price of BNB follows its market, that is still to be added.

    Raises:
        InvalidRequest: naming `fees` or `bnb_price`.
    """
    parts = text.split(",")
    ppm = [_number("fees", part) * _PPM_PER_PERCENT for part in parts]
    if len(parts) > 2 or any(rate != int(rate) for rate in ppm):
        raise _wrong("fees", f"{text!r}: write maker,taker in percent with at most 4 decimals, e.g. 0.1,0.1")
    if not all(0 <= rate <= MOST_FEE_PERCENT * _PPM_PER_PERCENT for rate in ppm):
        raise _wrong("fees", f"must be from 0 to {MOST_FEE_PERCENT} percent, was {text}; rebates are not replayed")
    price = None if bnb_price is None or bnb_price == BNB_FOLLOWS_MARKET else _bnb_price(bnb_price)
    return Fees(int(ppm[0]), int(ppm[-1]), price)


def _bnb_price(text: str) -> Decimal:
    price = _number("bnb_price", text)
    if not 0 < price <= MOST_AMOUNT:
        raise _wrong("bnb_price", f"must be above 0 and at most {MOST_AMOUNT}, was {text}; or say market")
    return price


def parse_fill(text: str) -> FillAssumption:
    """Return the fill assumption that touch, through or share:5% names.

    Raises:
        InvalidRequest: naming `fill`.
    """
    kind, _, share = text.partition(":")
    if kind not in tuple(FillKind) or bool(share) != (kind == FillKind.SHARE):
        raise _wrong("fill", f"{text!r} is no rule; there are touch, through and share:5% (of a candle's volume)")
    if kind != FillKind.SHARE:
        return FillAssumption(FillKind(kind))
    ppm = _number("fill", share.removesuffix("%").strip()) * _PPM_PER_PERCENT
    if ppm != int(ppm) or not 0 < ppm <= PPM:
        raise _wrong("fill", f"the share must be above 0 and at most 100 %, with at most 4 decimals, was {share}")
    return FillAssumption(FillKind.SHARE, int(ppm))


def parse_delays(given: argparse.Namespace) -> Delays:
    """Return the delays that the words ask for; words written by an older version name none.

    Raises:
        InvalidRequest: naming `latency` or `orders_per_10s`.
    """
    delays = Delays(_whole(given, "latency"), _whole(given, "orders_per_10s"))
    mistakes = [FieldMistake(field.removesuffix("_ms"), message) for field, message in delays.mistakes]
    if mistakes:
        raise InvalidRequest(mistakes)
    return delays


def parse_latency(text: str) -> int:
    """Return a latency in ms.

    Raises:
        InvalidRequest: naming `latency`.
    """
    return parse_delays(argparse.Namespace(latency=text)).latency_ms


def parse_limit(given: argparse.Namespace) -> Decimal | None:
    """Return the limit of exposure; None where none is asked for, or by words that an older version wrote.

    Raises:
        InvalidRequest: naming `max_exposure`.
    """
    text = getattr(given, "max_exposure", None)
    if text is None:
        return None
    limit = _number("max_exposure", text)
    mistakes = [FieldMistake("max_exposure", message) for message in wrong_with_limit(limit)]
    if mistakes:
        raise InvalidRequest(mistakes)
    return limit


def _whole(given: argparse.Namespace, field: str) -> int:
    """Return a word's whole number, 0 without it."""
    text = getattr(given, field, None)
    number = ZERO if text is None else _number(field, text)
    if number != int(number):
        raise _wrong(field, f"must be a whole number, was {text}")
    return int(number)


def _grid(given: argparse.Namespace, instrument: Instrument) -> tuple[GridRequest, Decimal]:
    request = parse_grid(keys_of(given), instrument)
    if given.capital is not None:
        return request, parse_capital(given.capital)
    if request.capital is None:
        raise _wrong("capital", "how much quote lies on the account? Say --capital 10000")
    return request, request.capital


def _bnb(text: str | None, capital: Decimal, price: Decimal) -> Decimal:
    if text is not None and (amount := _number("bnb", text)) >= ZERO:
        return amount
    if text is not None:
        raise _wrong("bnb", f"must not be negative, was {text}")
    return round(capital * _BNB_SHARE / price, 8)


def _number(field: str, text: str) -> Decimal:
    try:
        return parse_amount(text.strip())
    except ValueError:
        option = f"--{field.replace('_', '-')}"
        raise _wrong(field, f"{text.strip()!r} is no number; write e.g. {option} {_EXAMPLES[field]}") from None


def _wrong(field: str, message: str) -> InvalidRequest:
    return InvalidRequest([FieldMistake(field, message)])
