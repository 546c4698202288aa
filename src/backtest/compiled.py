"""The live grid's own decision and the replay around it, compiled: the same texts, loaded a second time for numba.

Compiling takes seconds, so the machine code is kept in the user's cache folder. numba notices a change of the one
file that a function stands in; the folder's name is a digest of all texts that take part, of Python and of numba, so
that a change of any of them never meets old code. The cached function has one signature: several processes that
compile at the same time write the same thing.
"""

import hashlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numba

from backtest.core import (
    account,
    arrivals,
    begin,
    contract,
    ends,
    equity,
    fills,
    flight,
    following,
    holdings,
    late,
    late_together,
    layout,
    many,
    orders,
    prints,
    replay,
    resting,
    together,
    views,
)
from grid.core import cells, exits, reinvest, trail

# Plain loops over arrays that their caller owns: no reference counts, no check for a division by zero (the numbers
# that divide are the venue's steps), and everything in one piece of machine code.
_JIT: Final[Any] = numba.njit  # its type information lacks the first option
_OPTIONS: Final = {"_nrt": False, "error_model": "numpy"}
_TEXTS: Final = (
    cells,
    exits,
    reinvest,
    trail,
    contract,
    fills,
    ends,
    orders,
    begin,
    following,
    prints,
    holdings,
    flight,
    resting,
    arrivals,
    late,
    equity,
    views,
    replay,
    many,
    account,
    late_together,
    together,
)
"""What is compiled, each after those it calls."""
_INT: Final = numba.int64
_COLUMN: Final = numba.int64[::1]
_TABLE: Final = numba.int64[:, ::1]
_SIGNATURE: Final = numba.void(
    *(_INT, _INT),
    *(_COLUMN, _TABLE, _COLUMN, _COLUMN, _COLUMN, _COLUMN, _COLUMN),
    *(_COLUMN, _TABLE, _COLUMN, _COLUMN, _COLUMN, _TABLE, _TABLE),
    *(_COLUMN, _COLUMN, _COLUMN, _TABLE, _COLUMN),
)
_TOGETHER: Final = numba.void(
    *(_TABLE, _COLUMN, _COLUMN, _COLUMN, _COLUMN, _COLUMN, _COLUMN),
    *(_TABLE, _COLUMN, _COLUMN, _TABLE, _TABLE, _TABLE, _COLUMN),
    *(_COLUMN, _COLUMN, _COLUMN),
)


def compile_modules(sources: Sequence[ModuleType], **constants: bool) -> dict[str, ModuleType]:
    """Return second instances, by name, of `sources`, whose functions are compiled and call one another.

    A module stands behind those whose functions it names. `constants` replace those of these names: what they rule out
    is not compiled. Arguments are int64 arrays and integers; compilation happens
    at each function's first call.
    """
    modules: dict[str, ModuleType] = {}
    compiled: dict[Any, Any] = {}
    for source in sources:
        module = _second_instance(source, "".join(f"_{name}" for name, value in constants.items() if value))
        vars(module).update({name: value for name, value in constants.items() if name in vars(module)})
        for name, value in list(vars(module).items()):
            if inspect.isfunction(value) and value.__module__ == module.__name__:
                compiled[getattr(source, name)] = _JIT(value, forceinline=True, **_OPTIONS)
                setattr(module, name, compiled[getattr(source, name)])
            elif inspect.isfunction(value) and value in compiled:
                setattr(module, name, compiled[value])
            elif inspect.ismodule(value) and value.__name__ in modules:
                setattr(module, name, modules[value.__name__])
        modules[source.__name__] = module
    return modules


def _second_instance(source: ModuleType, form: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{source.__name__}_compiled{form}", inspect.getsourcefile(source))
    if spec is None or spec.loader is None:
        raise ImportError(f"the source of {source.__name__} cannot be found")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where cached machine code looks for the globals of its functions
    spec.loader.exec_module(module)
    return module


def digest_of(texts: Iterable[str]) -> str:
    """Return what tells these texts, this Python and this numba from all others."""
    digest = hashlib.sha256(f"{sys.version} {numba.__version__}".encode())
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Return where the machine code of exactly these texts is kept."""
    texts = map(inspect.getsource, (*_TEXTS, layout, sys.modules[__name__]))
    return Path.home() / ".cache" / "gridhive" / "compiled" / digest_of(texts)


@contextmanager
def _kept_in(folder: Path) -> Iterator[bool]:
    """Let numba cache in `folder`; tell whether that is possible."""
    config: Any = numba.config
    before = config.CACHE_DIR
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        yield False
        return
    config.CACHE_DIR = str(folder)
    try:
        yield os.access(folder, os.W_OK)
    finally:
        config.CACHE_DIR = before


compiled_cells: Final = compile_modules([cells])[cells.__name__]


@cache
def _modules(*, late: bool, contract: bool) -> dict[str, ModuleType]:
    return compile_modules(_TEXTS, ALWAYS_LATE=late, MAYBE_LATE=False, MAYBE_CONTRACT=contract)


@cache
def compiled_replays(*, late: bool, contract: bool) -> Callable[..., None]:
    """Return `many.replay_many`, compiled or from the cache folder. It runs without the interpreter's lock.

    `late` asks for the form in which orders travel, for scenarios with delays, `contract` for that of futures.
    """
    function = _modules(late=late, contract=contract)[many.__name__].replay_many.py_func
    form = ("late" if late else "at_once") + ("_contract" if contract else "")
    return _entry(function, _SIGNATURE, cache_folder() / form)


@cache
def compiled_together(*, late: bool) -> Callable[..., None]:
    """Return `together.play_together` in the same way."""
    function = _modules(late=late, contract=False)[together.__name__].play_together.py_func
    return _entry(function, _TOGETHER, cache_folder() / ("late" if late else "at_once"))


def _entry(function: Callable[..., None], signature: Any, folder: Path) -> Callable[..., None]:
    with _kept_in(folder) as possible:
        compiled: Callable[..., None] = _JIT(signature, cache=possible, nogil=True, **_OPTIONS)(function)
        return compiled
