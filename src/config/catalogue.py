"""Every key of the configuration by its dotted name, read off the settings themselves."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from pathlib import PurePath
from typing import Any, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from config.fields import Section
from config.settings import Settings

Path = tuple[str, ...]

# Keys whose part of the program is not there yet. One set away from its default is named in a warning at start.
NOT_BUILT_YET: tuple[str, ...] = (
    "ai_agent",
    "alerts",
    "cache",
    "grid.spot.max_base_asset_allocation",
    "logging.market_performance_log",
    "logging.trade_log_file",
    "redis",
    "risk_management.api_failure_timeout_minutes",
    "risk_management.dynamic_sl_profit_lock_perc",
    "risk_management.loss_protection_trigger_perc",
    "risk_management.max_drawdown_perc",
    "risk_management.spot_risk",
    "risk_management.tp_sl_ratio",
    "rl_agent",
    "sentiment_analysis",
)


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: where it stands, what it means and what it is when nobody says otherwise."""

    path: Path
    annotation: object
    default: object
    description: str
    example: str
    constraints: tuple[object, ...]

    @property
    def dotted(self) -> str:
        return ".".join(self.path)

    @property
    def is_secret(self) -> bool:
        return SecretStr in _members(self.annotation)


@cache
def all_keys() -> Mapping[Path, Key]:
    """Return every key that holds a value, in the order of the settings."""
    return {key.path: key for key in _keys_of(Settings, ())}


@cache
def section_names() -> frozenset[Path]:
    """Return the path of every section, the whole file's empty path included."""
    return frozenset(path[:depth] for path in all_keys() for depth in range(len(path)))


def is_credential(path: Path) -> bool:
    """Whether the value at `path` is a secret that no text, log line or error may show."""
    key = all_keys().get(path)
    return key is not None and key.is_secret


def shown(value: object) -> str:
    """Write a value as the file would; a secret is never written."""
    if value is None or isinstance(value, SecretStr):
        return ""
    if isinstance(value, bool | Decimal):
        return format(value, "f") if isinstance(value, Decimal) else str(value).lower()
    if isinstance(value, Section):
        value = {name: part for name, part in value if part is not None}
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {shown(part)}" for name, part in value.items()) + "}"
    return f"[{', '.join(map(shown, value))}]" if isinstance(value, tuple) else str(value)


def suggestion(path: Path) -> str:
    """Say what an unknown key was probably meant to be."""
    parent, name = path[:-1], path[-1]
    siblings = {
        known[len(parent)] for known in all_keys() if known[: len(parent)] == parent and len(known) > len(parent)
    }
    if near := get_close_matches(name, siblings, n=1):
        return f"did you mean `{'.'.join((*parent, near[0]))}`?"
    elsewhere = [key.dotted for key in all_keys().values() if key.path[-1] == name]
    if elsewhere:
        return f"did you mean `{'` or `'.join(elsewhere)}`?"
    if near := get_close_matches(".".join(path), [key.dotted for key in all_keys().values()], n=1):
        return f"did you mean `{near[0]}`?"
    where = f"`{'.'.join(parent)}`" if parent else "the file"
    return f"remove it; {where} knows {', '.join(sorted(siblings))}" if siblings else "remove it"


def not_built_yet_in_use(settings: Settings) -> tuple[str, ...]:
    """Return the keys set away from their default whose part does not exist yet, for one warning at start."""
    return tuple(
        key.dotted
        for key in all_keys().values()
        if any(key.dotted == prefix or key.dotted.startswith(f"{prefix}.") for prefix in NOT_BUILT_YET)
        and not _unchanged(value_at(settings, key.path), key.default)
    )


def _unchanged(value: object, default: object) -> bool:
    """Whether `value` is the default; a relative path was made absolute when the settings were loaded."""
    if isinstance(value, PurePath) and isinstance(default, PurePath):
        return value.parts[-len(default.parts) :] == default.parts
    return value == default


def value_at(settings: Section, path: Path) -> object:
    """Return the value of the key at `path`."""
    value: object = settings
    for name in path:
        value = dict(_named(value))[name]
    return value


def _named(section: object) -> Iterator[tuple[str, object]]:
    if not isinstance(section, Section):
        raise KeyError(section)
    for name, field in type(section).model_fields.items():
        yield field.alias or name, getattr(section, name)


def _keys_of(section: type[Section], path: Path) -> Iterator[Key]:
    for name, field in section.model_fields.items():
        here = (*path, field.alias or name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _keys_of(field.annotation, here)
        else:
            yield _key(field, here)


def _key(field: FieldInfo, path: Path) -> Key:
    default = field.get_default(call_default_factory=False)
    example = str(field.examples[0]) if field.examples else shown(default)
    return Key(path, field.annotation, default, field.description or "", example, tuple(field.metadata))


def _members(annotation: object) -> tuple[Any, ...]:
    if get_origin(annotation) in {Union, types.UnionType}:
        return get_args(annotation)
    return (annotation,)
