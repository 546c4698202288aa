"""The kinds of value a setting can have. Each refuses what it could only guess at."""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from domain.account import Mode

SYMBOL = re.compile(r"\w{1,30}(/\w{1,20})?")
PLACEHOLDER = re.compile(r"your_\w+", re.IGNORECASE)


class Section(BaseModel):
    """A part of the file: frozen, unknown keys refused, values never repeated by an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)


def _whole(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a whole number, was true or false")
    if isinstance(value, Decimal | float):
        raise ValueError("must be a whole number, without a decimal point")
    return value


def _decimal(value: object) -> object:
    """Read an exact number from its text; a binary float has lost it already."""
    if isinstance(value, bool | float) or not isinstance(value, str | int | Decimal):
        raise ValueError("must be a number")
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        raise ValueError("must be a number") from None
    if not number.is_finite():
        raise ValueError("must be a finite number")
    return number


def _ratio(value: object) -> object:
    """Read a number that never meets money, so a binary float will do."""
    return float(str(_decimal(str(value) if isinstance(value, float) else value)))


def _mode(value: object) -> object:
    try:
        return Mode.parse(str(value))
    except ValueError:
        raise ValueError("must be Shadow, Testnet or Production") from None


def _symbol(value: object) -> object:
    text = value.strip().upper() if isinstance(value, str) else ""
    if not SYMBOL.fullmatch(text):
        raise ValueError("must be a symbol such as BTCUSDT or BTC/USDT")
    return text.replace("/", "")


def _url(*schemes: str) -> BeforeValidator:
    def check(value: object) -> object:
        if value in (None, ""):
            return None
        if not isinstance(value, str):
            raise ValueError("must be text")
        try:
            parts = urlsplit(value)
            usable = parts.scheme in schemes and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise ValueError(f"must be an address that begins with {' or '.join(f'{s}://' for s in schemes)}")
        if parts.scheme in {"http", "https"} and (not parts.hostname or "@" in parts.netloc):
            raise ValueError("must name a host, and no user or password")
        return value

    return BeforeValidator(check)


def _credential(value: object) -> object:
    """Read a secret; empty, missing and the placeholders of an example file all mean: not given."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")
    text = value.strip()
    if any(character.isspace() or not character.isprintable() for character in text):
        raise ValueError("must not hold spaces or line breaks")
    return "" if PLACEHOLDER.fullmatch(text) else text


def _moment(value: object) -> object:
    """Read ISO text (UTC unless it names a zone) or whole milliseconds since 1970 into milliseconds."""
    if value in (None, ""):
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value).strip()
    if text.isdecimal():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a time such as 2024-08-09 or 2024-08-09T14:30:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def _now(value: object) -> object:
    if value in (None, ""):
        return None
    if str(value).strip().lower() != "now":
        raise ValueError("must be now, or empty for the recording's own time")
    return "now"


def _speed(value: object) -> object:
    return "max" if str(value).strip().lower() == "max" else _decimal(value)


def _path(value: object) -> object:
    if not isinstance(value, str | Path) or not str(value).strip():
        raise ValueError("must be a path")
    return Path(value).expanduser()


def _optional_path(value: object) -> object:
    return None if value in (None, "") else _path(value)


def capitals(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def listed(value: object) -> object:
    """Take one comma-separated text, as an environment variable gives it, for a list."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


Whole = Annotated[int, BeforeValidator(_whole)]
Count = Annotated[Whole, Field(ge=1, le=1_000_000_000)]
Amount = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, le=Decimal("1e15"))]
Positive = Annotated[Decimal, BeforeValidator(_decimal), Field(gt=0, le=Decimal("1e15"))]
Percent = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, le=100)]
Score = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=-1, le=1)]
Fraction = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, le=1)]
Ratio = Annotated[float, BeforeValidator(_ratio)]
Leverage = Annotated[Whole, Field(ge=1, le=125)]
PortNumber = Annotated[Whole, Field(ge=0, le=65535)]
OperationMode = Annotated[Mode, BeforeValidator(_mode)]
Symbol = Annotated[str, BeforeValidator(_symbol)]
Symbols = Annotated[tuple[Symbol, ...], BeforeValidator(listed)]
Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(listed)]
Credential = Annotated[SecretStr, BeforeValidator(_credential)]
WebUrl = Annotated[str | None, _url("http", "https")]
DatabaseUrl = Annotated[SecretStr | None, _url("sqlite", "postgresql", "postgresql+psycopg", "postgresql+psycopg2")]
RedisUrl = Annotated[SecretStr | None, _url("redis", "rediss", "unix")]
Moment = Annotated[int | None, BeforeValidator(_moment)]
FilePath = Annotated[Path, BeforeValidator(_path)]
OptionalPath = Annotated[Path | None, BeforeValidator(_optional_path)]
Now = Annotated[Literal["now"] | None, BeforeValidator(_now)]
Speed = Annotated[Literal["max"] | Annotated[Decimal, Field(gt=0, le=1_000_000)], BeforeValidator(_speed)]
NO_SECRET = SecretStr("")
