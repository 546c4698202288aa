"""What a sweep varies: each key of the grid with the values it is to take."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from backtest.grid_config import GRID_KEYS, unknown_key
from backtest.scenario import MOST_AMOUNT
from domain.errors import FieldMistake, InvalidRequest
from domain.instrument import InstrumentRules
from domain.money import parse_amount, plain

MOST_VALUES: Final = 100_000
_MOST_PLACES: Final = 18
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "spacing_mode": ("geometric", "arithmetic"),
    "start_empty": ("true", "false"),
    "infinity": ("true", "false"),
    "profit": ("release", "reinvest"),
    "post_only": ("true", "false"),
    "direction": ("neutral", "long", "short"),
    "margin_type": ("isolated", "cross"),
}
_WHOLE: Final = ("initial_levels", "leverage", "resting_levels")
_HOW: Final = "write KEY=0.2..2:40 (40 values), KEY=0.2..2/0.1 (in steps), KEY=3..40 or KEY=a,b,c"


@dataclass(frozen=True, slots=True)
class Axis:
    """One varied key. Its values are multiples of `step` from `first` on, or those that are `listed`.

    `is_ordered` tells whether neighbours are alike, as numbers are and words are not.
    """

    key: str
    listed: tuple[str, ...] = ()
    first: Decimal = Decimal(0)
    step: Decimal = Decimal(0)
    steps: int = 0
    is_ordered: bool = True

    def __len__(self) -> int:
        return len(self.listed) or self.steps

    def value(self, index: int) -> str:
        """Return a value as the grid's configuration writes it."""
        return self.listed[index] if self.listed else plain(self.first + index * self.step)

    @property
    def is_whole(self) -> bool:
        return self.key in _WHOLE

    @property
    def is_number(self) -> bool:
        return self.key not in _WORDS


def parse_axes(words: Sequence[str], rules: InstrumentRules, *, dense: bool) -> tuple[Axis, ...]:
    """Return the axes that `--vary` words name, in their order.

    Args:
        words: `key=values`.
        rules: prices are multiples of its tick, quantities of its lot.
        dense: a range without a number of values stands for every possible one, as drawing at random may have it.

    Raises:
        InvalidRequest: with every mistake.
    """
    mistakes: list[FieldMistake] = []
    axes: list[Axis] = []
    for word in words:
        key, sign, values = (part.strip() for part in word.partition("="))
        try:
            if not sign or not values:
                raise ValueError(f"{word!r}: {_HOW}")  # noqa: TRY301 - collected with the others
            axes.append(_axis(key, values, rules, dense=dense))
        except ValueError as error:
            mistakes.append(FieldMistake(key or "vary", str(error)))
    keys = [axis.key for axis in axes]
    mistakes += [FieldMistake(key, "is varied twice; say it once") for key in sorted(set(keys)) if keys.count(key) > 1]
    if mistakes:
        raise InvalidRequest(mistakes)
    return tuple(axes)


def _axis(key: str, values: str, rules: InstrumentRules, *, dense: bool) -> Axis:
    if key not in GRID_KEYS:
        raise ValueError(unknown_key(key, GRID_KEYS))
    if key == "market_type":
        raise ValueError("is not varied: the candles are of one market")
    if key in _WORDS:
        return _listed_words(key, values)
    step = _step_of(key, rules)
    if ".." not in values:
        return Axis(key, tuple(dict.fromkeys(plain(_number(text)) for text in values.split(","))))
    ends, _, count = values.partition(":")
    ends, _, stride = ends.partition("/")
    first, last = (_number(text) for text in ends.split("..", 1))
    if last < first:
        raise ValueError(f"the range {ends} ends below its start; turn it round")
    if count:
        return Axis(key, _spread(first, last, count, step))
    if stride:
        return _stepped(key, first, last, _number(stride))
    if not dense and key not in _WHOLE:
        raise ValueError(f"how many values lie in {ends}? Say {key}={ends}:40, or draw some: --random 1000")
    return _stepped(key, _on(first, step), last, step)


def _listed_words(key: str, values: str) -> Axis:
    listed = tuple(dict.fromkeys(text.strip() for text in values.split(",")))
    unknown = [text for text in listed if text not in _WORDS[key]]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(_WORDS[key])}")
    return Axis(key, listed, is_ordered=False)


def _step_of(key: str, rules: InstrumentRules) -> Decimal:
    """Return the smallest difference between two values of a key that the grid can tell apart."""
    steps = {
        **dict.fromkeys(_WHOLE, Decimal(1)),
        "spacing_perc": Decimal("0.0001"),
        "quantity_growth_perc": Decimal("0.0001"),
        "lower_price": rules.tick,
        "upper_price": rules.tick,
        "quantity_per_level": rules.lot,
    }
    return steps.get(key, Decimal("0.01"))


def _stepped(key: str, first: Decimal, last: Decimal, step: Decimal) -> Axis:
    if step <= 0:
        raise ValueError(f"the step must be above 0, was {plain(step)}")
    return Axis(key, first=first, step=step, steps=int((last - first) // step) + 1)


def _spread(first: Decimal, last: Decimal, words: str, step: Decimal) -> tuple[str, ...]:
    """Return so many values between both ends, evenly or by equal factors, without doubles."""
    text, _, way = words.partition(":")
    if not text.isdecimal() or way not in ("", "log"):
        raise ValueError(f"{words!r} is no number of values; {_HOW}")
    count = int(text)
    if not 1 <= count <= MOST_VALUES:
        raise ValueError(f"a key takes 1 to {MOST_VALUES} values, was {text}")
    if way and first <= 0:
        raise ValueError("a range by equal factors must begin above 0")
    values = []
    for index in range(count):
        part = Decimal(index) / (count - 1) if count > 1 else Decimal(0)
        if way:
            value = first * Decimal(math.exp(math.log(last / first) * float(part)))
        else:
            value = first + (last - first) * part
        values.append(plain(min(max(_on(value, step), first), last)))
    return tuple(dict.fromkeys(values))


def _on(value: Decimal, step: Decimal) -> Decimal:
    return (value / step).quantize(Decimal(1), ROUND_HALF_EVEN) * step


def _number(text: str) -> Decimal:
    try:
        number = parse_amount(text.strip())
    except ValueError as error:
        raise ValueError(f"{error}; {_HOW}") from None
    if abs(number) > MOST_AMOUNT or int(number.as_tuple().exponent) < -_MOST_PLACES:
        raise ValueError(f"{text.strip()} is too large or too fine; at most {MOST_AMOUNT} and {_MOST_PLACES} decimals")
    return number
