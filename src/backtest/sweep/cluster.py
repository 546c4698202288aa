"""A sweep spread over a Ray cluster. Ray is asked for by those who have one; nothing else here needs it.

The candles travel once per node, through Ray's object store; the program itself is sent along, so that workers need
the same Python and packages and nothing more.
"""

import socket
from collections.abc import Generator, Sequence
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any, Final

import polars as pl

from backtest.data.series import refuse
from backtest.sweep.task import Part, Task
from backtest.sweep.work import Pieces
from domain.errors import Conflict, Unreachable

_SOURCE: Final = Path(__file__).parents[2]
_PACKAGES: Final = ("backtest", "config", "domain", "grid", "ports", "utils")
_WAIT_S: Final = 0.5
_KNOCK_S: Final = 5.0
_LAST_PORT: Final = 65_535
_AHEAD: Final = 2  # pieces per core that are handed out, so that none waits for the next


def on_cluster(task: Task, address: str) -> Pieces:
    """Return a worker that uses the Ray cluster at `address`: auto, HOST:PORT or ray://HOST:PORT.

    Raises:
        InvalidRequest: naming `ray`, if the package is not installed.
        Unreachable: if nothing listens at the address.
    """
    ray = _import_ray()
    _knock(address)

    def work(pieces: Sequence[Sequence[int]], stopping: Event) -> Generator[pl.DataFrame, None, None]:
        _connect(ray, address)
        try:
            yield from _spread(ray, task, pieces, stopping)
        except ray.exceptions.RayError as error:
            raise Conflict(
                f"the Ray cluster could not go on: {str(error).strip().splitlines()[-1]}. What is finished is kept"
            ) from error
        finally:
            ray.shutdown()

    return work


def _import_ray() -> Any:
    try:
        import ray  # noqa: PLC0415 - slow to load, and only for those who have it
    except ModuleNotFoundError:
        refuse("ray", "needs the package ray, which is not installed; install the cluster's version: pip install ray")
    return ray


def _knock(address: str) -> None:
    """Find out at once what Ray itself would try for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon:
        return
    if not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
        refuse("ray", f"{address!r} is no address; write auto, HOST:PORT or ray://HOST:PORT")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _KNOCK_S).close()
    except OSError as error:
        raise Unreachable(f"no Ray cluster answers at {address}: {error.strerror or error}") from error


def _connect(ray: Any, address: str) -> None:
    """Connect; where all nodes are this machine, its own files serve, else they are sent along."""
    _begin(ray, address, {"env_vars": {"PYTHONPATH": str(_SOURCE)}})
    if any(node["NodeManagerHostname"] != socket.gethostname() for node in ray.nodes()):
        ray.shutdown()
        _begin(ray, address, {"py_modules": [str(_SOURCE / name) for name in _PACKAGES]})


def _begin(ray: Any, address: str, environment: dict[str, Any]) -> None:
    try:
        ray.init(address=address, runtime_env=environment, log_to_driver=False, logging_level="error")
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        ray.shutdown()
        raise Unreachable(f"no Ray cluster answers at {address}: {str(error).strip().splitlines()[0]}") from error


def _spread(
    ray: Any, task: Task, pieces: Sequence[Sequence[int]], stopping: Event
) -> Generator[pl.DataFrame, None, None]:
    shared = ray.put(task)
    remote = ray.remote(num_cpus=1)(_work_off)
    waiting = list(reversed(pieces))
    under_way: list[Any] = []
    key = shared.hex()
    while waiting or under_way:
        room = max(1, int(ray.cluster_resources().get("CPU", 1))) * _AHEAD
        while waiting and len(under_way) < room and not stopping.is_set():
            under_way.append(remote.remote(shared, key, waiting.pop()))
        if not under_way:
            return
        done, under_way = ray.wait(under_way, timeout=_WAIT_S)
        for found in done:
            yield ray.get(found)


def _work_off(task: Task, key: str, rows: Sequence[int]) -> pl.DataFrame:
    """Run in a worker process of the cluster."""
    return _part(_Keyed(key, task)).table(rows)


class _Keyed:
    """A task that is known by the name of the object it came as."""

    def __init__(self, key: str, task: Task) -> None:
        self.key = key
        self.task = task

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)


@cache
def _part(keyed: _Keyed) -> Part:
    return Part(keyed.task, threads=1)
