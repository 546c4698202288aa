"""A plan of faults in a YAML file: what goes wrong, when, how often; the same seed draws the same storm."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import yaml

from simulator.faults.board import Fault
from simulator.faults.reading import FaultMistake, Order, near, read_fault, seconds, whole

_TOP: Final = ("seed", "faults")
_WHEN: Final = ("at", "every", "jitter", "times")


class PlanError(Exception):
    """A plan that cannot be followed; the text names file, entry, field and remedy."""


@dataclass(frozen=True, slots=True)
class When:
    """When an entry begins, in milliseconds of wall time since the simulator was ready.

    Attributes:
        at_ms: the first time; None: armed from the first moment, before anything is asked.
        every_ms: how long from one time to the next; None: once.
        jitter_ms: each time up to so much later, drawn from the seed.
        times: how often at most; None: as long as the simulator runs.
    """

    at_ms: int | None
    every_ms: int | None
    jitter_ms: int
    times: int | None


class PlanEntry:
    """One entry with what it draws from: chance and times have a stream of numbers each."""

    def __init__(self, number: int, order: Order, when: When, seed: int) -> None:
        self.number, self.order, self.when = number, order, when
        self.begun = 0
        self._strikes = Random(f"{seed}:{number}:strikes")  # noqa: S311 - repeatable on purpose
        self._times = Random(f"{seed}:{number}:times")  # noqa: S311 - repeatable on purpose

    @property
    def kind(self) -> str:
        return self.order.fault.kind.value

    def next_ms(self) -> int | None:
        """Return when it begins the next time, since the start; None: never again. Draws the jitter."""
        when = self.when
        most = when.times if when.every_ms is not None else 1
        if most is not None and self.begun >= most:
            return None
        grid_ms = (when.at_ms or 0) + self.begun * (when.every_ms or 0)
        return grid_ms + (self._times.randint(0, when.jitter_ms) if when.jitter_ms else 0)

    def begin(self, now_ms: int) -> Fault:
        """Return the fault of this time."""
        self.begun += 1
        return self.order.begin(now_ms, entry=self.number, random=self._strikes)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file asks for. `file` empty: nothing is planned."""

    entries: tuple[PlanEntry, ...] = ()
    seed: int = 0
    file: str = ""

    @classmethod
    def load(cls, path: Path, operations: Collection[str]) -> "Plan":
        """Read a plan.

        Raises:
            PlanError: no such file, no YAML, or something in it that cannot be followed.
        """
        try:
            tree = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe loader of our own
        except (OSError, UnicodeDecodeError) as exc:
            raise PlanError(f"--faults {path}: cannot be read ({exc}); write the path of a plan") from exc
        except yaml.YAMLError as exc:
            raise PlanError(f"--faults {path}: is no YAML: {' '.join(str(exc).split())}") from exc
        return cls._of(path, tree, operations)

    @classmethod
    def _of(cls, path: Path, tree: object, operations: Collection[str]) -> "Plan":
        if not isinstance(tree, Mapping):
            raise PlanError(f"{path}: must hold `seed` and a list `faults`; docs/simulator.md shows one")
        for name in tree:
            if name not in _TOP:
                raise PlanError(f"{path}: `{name}` is unknown; {near(name, _TOP)}")
        listed = tree.get("faults")
        if not isinstance(listed, list) or not listed:
            raise PlanError(f"{path}: `faults` must be a list of at least one fault")
        try:
            seed = int(whole(0, 2**63 - 1)("seed", tree.get("seed", 0)))
        except FaultMistake as mistake:
            raise PlanError(f"{path}: `seed` {mistake.remedy}") from mistake
        entries = tuple(_entry(path, number, body, seed, operations) for number, body in enumerate(listed, 1))
        return cls(entries, seed, str(path))

    def require_symbols(self, known: Collection[str]) -> None:
        """Refuse entries about symbols that this market does not have.

        Raises:
            PlanError: it names them.
        """
        for entry in self.entries:
            symbol = entry.order.fault.details.get("symbol")
            if symbol is not None and symbol not in known:
                raise PlanError(
                    f"{self.file}, entry {entry.number} ({entry.kind}): `symbol` {symbol} is not traded here; "
                    f"{near(symbol, known)}"
                )


def _entry(path: Path, number: int, body: object, seed: int, operations: Collection[str]) -> PlanEntry:
    if not isinstance(body, Mapping):
        raise PlanError(f"{path}, entry {number}: must be a mapping with a `kind`")
    about = f"{path}, entry {number} ({body.get('kind', 'no kind')})"
    try:
        order = read_fault({str(name): value for name, value in body.items() if name not in _WHEN}, operations)
        return PlanEntry(number, order, _when(body, order), seed)
    except FaultMistake as mistake:
        raise PlanError(f"{about}: `{mistake.field}` {mistake.remedy}") from mistake


def _when(body: Mapping[Any, Any], order: Order) -> When:
    given = {name: seconds(name, body[name]) for name in _WHEN[:-1] if body.get(name) is not None}
    every_ms = given.get("every")
    if every_ms == 0:
        raise FaultMistake("every", "must be above 0")
    if body.get("times") is not None and every_ms is None:
        raise FaultMistake("times", "needs `every`: how long from one time to the next")
    if given.get("jitter") and "at" not in given and every_ms is None:
        raise FaultMistake("jitter", "needs `at` or `every`: it moves those times")
    if every_ms is not None and given.get("jitter", 0) >= every_ms:
        raise FaultMistake("jitter", "must be below `every`, or the times would overtake each other")
    if every_ms is not None and (order.lasts_ms or 0) > every_ms:
        raise FaultMistake("seconds", "must not exceed `every`, or it would never end")
    times = int(whole(1)("times", body["times"])) if body.get("times") is not None else None
    return When(given.get("at"), every_ms, given.get("jitter", 0), times)


class _Loader(yaml.SafeLoader):
    """YAML whose decimals stay text, so that no amount passes through a binary float, and whose keys are given once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"`{key}` is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _text(_loader: _Loader, node: yaml.Node) -> object:
    return node.value


_Loader.add_constructor("tag:yaml.org,2002:float", _text)
