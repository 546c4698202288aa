"""The live grid's own decision and the replay around it, compiled: the same texts, loaded a second time for numba.

Compiling takes seconds, so the machine code is kept in the user's cache folder. numba notices a change of the one
file that a function stands in; the folder's name is a digest of all texts that take part, of Python and of numba, so
that a change of any of them never meets old code. Each cached function has one signature: several processes that
compile at the same time write the same thing.
"""

import hashlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numba

from backtest import engine
from grid.core import cells

_INT: Final = numba.int64
_COLUMN: Final = numba.int64[::1]
_TABLE: Final = numba.int64[:, ::1]
_REPLAY: Final = _INT(
    _TABLE, _TABLE, _COLUMN, _COLUMN, _COLUMN, _TABLE, _TABLE, _COLUMN, _COLUMN, _COLUMN, _COLUMN, _COLUMN
)


def compile_module(source: ModuleType, compiled: Mapping[str, ModuleType] | None = None) -> ModuleType:
    """Return a second instance of `source` whose functions are compiled.

    The functions find one another through their module's names, so each is replaced there and calls the compiled
    others. `compiled` are the compiled forms of modules that it names. Arguments are int64 arrays and integers;
    compilation happens at each function's first call.
    """
    spec = importlib.util.spec_from_file_location(f"{source.__name__}_compiled", inspect.getsourcefile(source))
    if spec is None or spec.loader is None:
        raise ImportError(f"the source of {source.__name__} cannot be found")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where cached machine code looks for the globals of its functions
    spec.loader.exec_module(module)
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if function.__module__ == module.__name__:
            setattr(module, name, numba.njit(function, forceinline=True, _nrt=False, error_model="numpy"))
    for name, other in (compiled or {}).items():
        setattr(module, name, other)
    return module


def cache_folder() -> Path:
    """Return where this version's machine code is kept."""
    digest = hashlib.sha256(f"{sys.version} {numba.__version__}".encode())
    for module in (cells, engine, sys.modules[__name__]):
        digest.update(inspect.getsource(module).encode())
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "gridhive" / "compiled" / digest.hexdigest()[:16]


@contextmanager
def _kept_in(folder: Path) -> Iterator[bool]:
    """Let numba cache in `folder`; tell whether that is possible."""
    before = numba.config.CACHE_DIR
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        yield False
        return
    numba.config.CACHE_DIR = str(folder)
    try:
        yield os.access(folder, os.W_OK)
    finally:
        numba.config.CACHE_DIR = before


def kept(signature: Any, function: Callable[..., Any], **options: bool) -> Callable[..., Any]:
    """Compile `function` for the one signature, or take its machine code from the cache folder."""
    with _kept_in(cache_folder()) as possible:
        compiled: Callable[..., Any] = numba.njit(signature, cache=possible, _nrt=False, error_model="numpy", **options)(function)
        return compiled


compiled_cells = compile_module(cells)


@cache
def compiled_engine() -> ModuleType:
    """Return the engine over the compiled cells; its functions compile at their first call."""
    return compile_module(engine, {"cells": compiled_cells})


@cache
def compiled_replay() -> Callable[..., int]:
    """Return `engine.replay`, compiled."""
    return kept(_REPLAY, compiled_engine().replay.py_func)
