"""What is wrong with a configuration, told all at once and each with its remedy."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mistake:
    """One line for a person: where it stands, which key, what is wrong, what to write instead."""

    source: str
    key: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.source}: {self.key}" if self.key else self.source
        return f"{place}: {self.problem}; {self.remedy}"


class ConfigError(Exception):
    """The configuration cannot be used. An entry file prints it and leaves with `exit_code`.

    Its text holds one line per mistake and never a secret's value.
    """

    exit_code = 2

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)
