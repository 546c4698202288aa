"""A grid's keys as POST /api/grid/start names them (its `config`), read from a YAML file, `key=value` words or a map.

The server's own schema lies in `routes`, which a back-test must not load; a test holds the two to the same keys, limits
and meaning.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from backtest.scenario import MOST_AMOUNT
from config.yaml_text import read_yaml
from domain.errors import FieldMistake, InvalidRequest
from domain.exit_terms import ExitAction, ExitTerms
from domain.futures import MarginType
from domain.grids import Direction, GridRequest, Profit, Spacing
from domain.instrument import Instrument, Market

MOST_LEVELS: Final = 1000
MOST_LEVERAGE: Final = 125
_SIZES: Final = ("capital", "capital_usd", "quantity_per_level")
_LONGEST_NUMBER: Final = 64
_MOST_GAIN: Final = Decimal(1000)


class _Wrong(ValueError):
    """What is wrong with one value, as the end of a sentence."""


def _whole(most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        number = _decimal(value)
        if number != number.to_integral_value() or not 1 <= number <= most:
            raise _Wrong(f"must be a whole number from 1 to {most}, was {value}")
        return int(number)

    return read


def _decimal(value: object) -> Decimal:
    text = str(value).strip()
    try:
        number = Decimal(text) if not isinstance(value, bool | None) and len(text) <= _LONGEST_NUMBER else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or "_" in text or not text.isascii():
        raise _Wrong(f"must be a number such as 0.5, was {text[:_LONGEST_NUMBER]!r}")
    return number


def _bounded(most: Decimal, places: int) -> Callable[[object], Decimal]:
    def read(value: object) -> Decimal:
        number = _decimal(value)
        if not 0 < number <= most:
            raise _Wrong(f"must be above 0 and at most {most}, was {value}")
        if -int(number.normalize().as_tuple().exponent) > places:
            raise _Wrong(f"must have at most {places} decimals, was {value}")
        return number

    return read


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if str(value) in ("true", "false"):
        return value == "true"
    raise _Wrong(f"must be true or false, was {value}")


def _word(*words: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in words:
            raise _Wrong(f"must be one of {', '.join(words)}, was {value}")
        return str(value)

    return read


def _growth(value: object) -> Decimal:
    return Decimal(0) if _decimal(value) == 0 else _bounded(Decimal(100), 4)(value)


_amount = _bounded(MOST_AMOUNT, 18)
_KEYS: Final[Mapping[str, Callable[[object], Any]]] = {
    "initial_levels": _whole(MOST_LEVELS),
    "market_type": _word(*Market),
    "infinity": _truth,
    "profit": _word(*Profit),
    "lower_price": _amount,
    "upper_price": _amount,
    "spacing_perc": _bounded(Decimal(100), 4),
    "spacing_mode": _word(*Spacing),
    "capital": _amount,
    "capital_usd": _amount,
    "quantity_per_level": _amount,
    "quantity_growth_perc": _growth,
    "start_empty": _truth,
    "direction": _word(*Direction),
    "leverage": _whole(MOST_LEVERAGE),
    "margin_type": _word(*MarginType),
    **dict.fromkeys(("stop_below", "stop_above", "take_profit_price", "trigger_price"), _amount),
    **dict.fromkeys(("take_profit_amount", "stop_loss_amount"), _amount),
    "take_profit_perc": _bounded(_MOST_GAIN, 4),
    "stop_loss_perc": _bounded(Decimal(100), 4),
    **dict.fromkeys(("on_take_profit", "on_stop_loss"), _word(*ExitAction)),
    "resting_levels": _whole(MOST_LEVELS),
    "trail_up_to": _amount,
    "trail_down_to": _amount,
    "post_only": _truth,
}
GRID_KEYS: Final = tuple(_KEYS)


def parse_grid(config: Mapping[str, object], instrument: Instrument) -> GridRequest:
    """Return the grid that `config` asks for on `instrument`. Keys left out or None take the server's defaults.

    Raises:
        InvalidRequest: with every mistake, unknown keys among them with the nearest known one.
    """
    mistakes = [FieldMistake(key, unknown_key(key, GRID_KEYS)) for key in config if key not in _KEYS]
    read: dict[str, Any] = {}
    for key, value in config.items():
        if key in _KEYS and value is not None:
            try:
                read[key] = _KEYS[key](value)
            except _Wrong as wrong:
                mistakes.append(FieldMistake(key, str(wrong)))
    refused = {mistake.field for mistake in mistakes}
    mistakes += [mistake for mistake in _together(read, refused) if mistake.field not in refused]
    if read.get("market_type", instrument.market) != instrument.market:
        mistakes.append(FieldMistake("market_type", f"the candles are of {instrument.market}; choose one of the two"))
    if mistakes:
        raise InvalidRequest(mistakes)
    return GridRequest(
        instrument=instrument,
        levels=read["initial_levels"],
        spacing_percent=read.get("spacing_perc"),
        spacing=Spacing(read.get("spacing_mode", Spacing.GEOMETRIC)),
        lower=read.get("lower_price"),
        upper=read.get("upper_price"),
        capital=read.get("capital", read.get("capital_usd")),
        quantity=read.get("quantity_per_level"),
        infinity=read.get("infinity", False),
        profit=Profit(read.get("profit", Profit.RELEASE)),
        start_empty=read.get("start_empty", False),
        quantity_growth_percent=read.get("quantity_growth_perc"),
        direction=_direction(read, instrument),
        leverage=read.get("leverage"),
        margin_type=MarginType(read["margin_type"]) if "margin_type" in read else None,
        resting_levels=read.get("resting_levels"),
        trail_up_to=read.get("trail_up_to"),
        trail_down_to=read.get("trail_down_to"),
        stop_below=read.get("stop_below"),
        stop_above=read.get("stop_above"),
        exits=_exits(read),
        trigger_price=read.get("trigger_price"),
        post_only=read.get("post_only", False),
    )


def _exits(read: Mapping[str, Any]) -> ExitTerms:
    actions = {key: ExitAction(read[key]) for key in ("on_take_profit", "on_stop_loss") if key in read}
    return ExitTerms(
        take_profit_price=read.get("take_profit_price"),
        take_profit_percent=read.get("take_profit_perc"),
        take_profit_amount=read.get("take_profit_amount"),
        stop_loss_percent=read.get("stop_loss_perc"),
        stop_loss_amount=read.get("stop_loss_amount"),
        **actions,
    )


def _direction(read: Mapping[str, Any], instrument: Instrument) -> Direction:
    usual = Direction.NEUTRAL if instrument.market is Market.FUTURES else Direction.LONG
    return Direction(read.get("direction", usual))


def _together(read: Mapping[str, Any], refused: set[str]) -> list[FieldMistake]:
    """Return what is wrong with keys beside one another; what was refused already is not told twice."""
    found: list[FieldMistake] = []
    if "initial_levels" not in read:
        found.append(FieldMistake("initial_levels", "is needed: how many price rungs? Say --set initial_levels=20"))
    lower, upper = read.get("lower_price"), read.get("upper_price")
    bounds_fit = not refused & {"lower_price", "upper_price"}
    if read.get("infinity"):
        found += _of_infinity(read, refused)
    elif bounds_fit and (lower is None) != (upper is None):
        found.append(FieldMistake("upper_price", "needs its other bound; give lower_price and upper_price together"))
    elif lower is not None and upper is not None and upper <= lower:
        found.append(FieldMistake("upper_price", "must be above lower_price"))
    if bounds_fit and "spacing_perc" not in read and (read.get("infinity") or (lower is None and upper is None)):
        found.append(FieldMistake("spacing_perc", "is needed unless lower_price and upper_price are given"))
    if "spacing_perc" in read and not read.get("infinity") and (lower is not None or upper is not None):
        found.append(FieldMistake("spacing_perc", "follows from the bounds; leave it out or leave them out"))
    sizes = [key for key in _SIZES if key in read]
    if len(sizes) > 1:
        found.append(FieldMistake(sizes[1], f"excludes {sizes[0]}; give one of {', '.join(_SIZES)}"))
    return found


def _of_infinity(read: Mapping[str, Any], refused: set[str]) -> Iterator[FieldMistake]:
    if "lower_price" not in read and "lower_price" not in refused:
        yield FieldMistake("lower_price", "is where an infinity grid begins; give it")
    if "upper_price" in read:
        yield FieldMistake("upper_price", "does not go with infinity; leave it out")


def unknown_key(key: str, known: Sequence[str]) -> str:
    """Return the sentence for a key nobody knows."""
    near = get_close_matches(key, known, n=2)
    return f"is not known; did you mean {' or '.join(near)}?" if near else f"is not known; there are {', '.join(known)}"


def read_config_file(file: Path) -> dict[str, object]:
    """Return the grid's keys of a YAML file: they stand at its top, or in its section `config` or `grid`.

    Raises:
        InvalidRequest: naming `grid` for a file that cannot be read.
    """
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is no UTF-8 text"
        raise InvalidRequest([FieldMistake("grid", f"{file} cannot be read: {reason}")]) from None
    found = read_yaml(text, str(file), {}, lambda _: False)
    if found.mistakes:
        raise InvalidRequest([FieldMistake("grid", str(mistake)) for mistake in found.mistakes])
    for section in ("config", "grid"):
        inner = found.tree.get(section)
        if isinstance(inner, dict) and len(found.tree) == 1:
            return inner
    return found.tree


def read_settings(words: Sequence[str]) -> dict[str, object]:
    """Return the keys of `key=value` words; a later word wins.

    Raises:
        InvalidRequest: for a word without a value.
    """
    settings: dict[str, object] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key.strip() or not value.strip():
            raise InvalidRequest([FieldMistake("set", f"{word!r} is no key=value; write e.g. initial_levels=20")])
        settings[key.strip()] = value.strip()
    return settings
