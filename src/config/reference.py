"""Writes docs/configuration.md: `python -m config.reference > docs/configuration.md`."""

import sys
from collections.abc import Iterator
from enum import Enum
from itertools import groupby
from typing import Any, get_args

import annotated_types

from config.catalogue import NOT_BUILT_YET, Key, all_keys, shown
from config.options import OPTIONS

INTRODUCTION = """\
# Configuration

This page is written by `.venv/bin/python -m config.reference > docs/configuration.md`; a test compares the two.

`src/config/config.yaml` holds every key; `--config FILE` names another file, in which a missing key keeps its default.
An option wins over the environment, the environment over `.env`, `.env` over the file, the file over the default.

- Unknown keys, keys that stand twice and values that cannot be used are refused, all together, before anything starts.
- `${NAME}` stands for a variable of the environment or of `.env`, `${NAME:-text}` says what stands in for it.
  A missing variable is an error, except in a secret, which is then empty.
- Numbers keep the exact value of their text. `true` and `false` are the only booleans.
- A percentage is percent (1 is 1 %), unless its line says fraction.
- Relative paths lie under the folder the program is started in. With a data folder given, relative log paths lie under
  that folder.
"""


def render() -> str:
    """Return the whole page."""
    return "\n".join([INTRODUCTION, *_options(), *_keys(), *_not_built()]) + "\n"


def _options() -> Iterator[str]:
    yield "## Options\n"
    yield "Every start script and entry point takes these.\n"
    yield "| option | environment | key | meaning |"
    yield "| --- | --- | --- | --- |"
    for option in OPTIONS:
        value = f" {option.metavar}{'…' if option.many else ''}" if option.metavar else ""
        key = f"`{option.key}`" if option.key else ""
        yield _row(f"`{option.flag}{value}`", f"`{option.variable}`", key, option.help)
    yield ""


def _keys() -> Iterator[str]:
    yield "## Keys\n"
    for section, keys in groupby(all_keys().values(), key=lambda key: key.path[0] if len(key.path) > 1 else ""):
        yield f"### {section or 'top level'}\n"
        yield "| key | default | values | meaning |"
        yield "| --- | --- | --- | --- |"
        for key in keys:
            default = shown(key.default)
            yield _row(f"`{key.dotted}`", f"`{default}`" if default else "", _values(key), key.description)
        yield ""


def _not_built() -> Iterator[str]:
    yield "## Not built yet\n"
    yield "Accepted, without effect so far; set away from its default, such a key is named at start.\n"
    yield from (f"- `{prefix}`" for prefix in NOT_BUILT_YET)


def _values(key: Key) -> str:
    """Say what a key may hold: its words, or its bounds."""
    if isinstance(key.annotation, type) and issubclass(key.annotation, Enum):
        return ", ".join(str(member) for member in key.annotation)
    words = [str(word) for word in get_args(key.annotation) if isinstance(word, str)]
    if words:
        return ", ".join(words)
    if bool in (key.annotation, *get_args(key.annotation)):
        return "true, false"
    return ", ".join(_bound(part) for part in key.constraints if _bound(part))


def _bound(constraint: Any) -> str:
    match constraint:
        case annotated_types.Ge(ge=bound):
            return f"from {shown(bound)}"
        case annotated_types.Gt(gt=bound):
            return f"above {shown(bound)}"
        case annotated_types.Le(le=bound):
            return f"to {shown(bound)}"
        case annotated_types.Lt(lt=bound):
            return f"below {shown(bound)}"
        case _:
            return ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    sys.stdout.write(render())
