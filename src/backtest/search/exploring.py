"""A guided search: Optuna proposes configurations, the replay judges them, round after round.

Each round begins with a sampler of its own, seeded from the search's seed and what is done so far. So a search that
was stopped and goes on proposes what it would have proposed.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Final, cast

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from backtest.objectives import Objective
from backtest.sweep.axes import Axis
from backtest.sweep.trials import Trial, Trials

ROUND: Final = 20
"""Configurations proposed before any of them is judged: the first are drawn evenly; a generation of NSGA-II."""
_REFUSED: Final = "refused"
_LOCK: Final = ".lock"  # how Optuna names the lock beside its journal
_FORMS: Final = 1_000_003  # parts the seeds of rounds from one another

Values = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is searched for, and how long."""

    axes: tuple[Axis, ...]
    aims: tuple[Objective, ...]
    trials: int
    seed: int


def open_storage(file: Path) -> BaseStorage:
    """Return the file in which every proposal and its outcome is noted.

    The caller keeps other processes out of its folder: what one that was killed left there, its lock and a line that it
    was writing, is dropped. Optuna would wait for that lock for ever.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    file.with_name(f"{file.name}{_LOCK}").unlink(missing_ok=True)
    if file.exists() and not (noted := file.read_bytes()).endswith(b"\n"):
        os.truncate(file, noted.rfind(b"\n") + 1)
    return JournalStorage(JournalFileBackend(str(file)))


class Exploration:
    """One search on one ground, kept under `name`."""

    def __init__(self, plan: Plan, storage: BaseStorage, name: str) -> None:
        self._plan = plan
        self._study = optuna.create_study(
            storage=storage,
            study_name=name,
            directions=[aim.direction for aim in plan.aims],
            load_if_exists=True,
        )
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING)):
            self._study.tell(trial.number, state=TrialState.FAIL)  # its round was broken off

    @property
    def left(self) -> int:
        """Return how many trials are still to be made."""
        return max(self._plan.trials - len(self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))), 0)

    @property
    def done(self) -> list[Values]:
        """Return the configurations tried so far, each once, in the order of their first trial."""
        judged = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        tried = (self._values(trial.params) for trial in judged[: self._plan.trials])
        return list({tuple(values.items()): values for values in tried}.values())

    def explore(self, trials: Trials, stopping: Event) -> Iterator[list[Trial]]:
        """Go on until all trials are made, or it is told to stop; yield each round."""
        done = len(self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))
        while done < self._plan.trials and not stopping.is_set():
            self._study.sampler = self._sampler(done)
            asked = [
                self._study.ask(fixed_distributions=self._distributions)
                for _ in range(min(ROUND, self._plan.trials - done))
            ]
            found = trials.run([self._values(trial.params) for trial in asked])
            for trial, outcome in zip(asked, found, strict=True):
                values = aims_of(outcome, self._plan.aims)
                trial.set_constraint(_REFUSED, 0.0 if values is not None else 1.0)  # proposals keep away from there
                self._study.tell(trial, values if values is not None else [0.0] * len(self._plan.aims))
            done += len(asked)
            yield found

    @property
    def _distributions(self) -> dict[str, BaseDistribution]:
        """Return the places of the values, which keeps prices and amounts out of binary floats."""
        return {
            axis.key: IntDistribution(0, len(axis) - 1)
            if axis.is_ordered
            else CategoricalDistribution(list(range(len(axis))))
            for axis in self._plan.axes
        }

    def _values(self, places: Mapping[str, Any]) -> Values:
        return {axis.key: axis.value(int(places[axis.key])) for axis in self._plan.axes}

    def _sampler(self, done: int) -> BaseSampler:
        seed = (self._plan.seed * _FORMS + done) % 2**32
        if len(self._plan.aims) > 1:
            return NSGAIISampler(population_size=ROUND, seed=seed)
        return TPESampler(seed=seed, n_startup_trials=ROUND, multivariate=True)


def aims_of(trial: Trial, aims: Iterable[Objective]) -> list[float] | None:
    """Return the values searched for; None where the configuration was refused or has no such measure."""
    values = [trial.measures[aim.measure] for aim in aims]
    return None if any(value is None for value in values) else [float(cast("float", value)) for value in values]


def winner_of(found: Sequence[Trial], aims: Sequence[Objective], front: Sequence[int]) -> int:
    """Return the place of the best by the first aim; of equal ones the first."""
    first = aims[0]
    sign = 1 if first.more_is_better else -1
    return max(front, key=lambda at: (sign * float(cast("float", found[at].measures[first.measure])), -at))
