"""The live grid's own decision, compiled: the same text, loaded a second time and handed to numba."""

import importlib.util
import inspect
from types import ModuleType

import numba

from grid.core import cells


def compile_module(source: ModuleType) -> ModuleType:
    """Return a second instance of `source` whose functions are compiled.

    The functions find one another through their module's names, so each is replaced there and calls the compiled
    others. Arguments are int64 arrays and integers; compilation happens at each function's first call.
    """
    spec = importlib.util.spec_from_file_location(f"{source.__name__}_compiled", inspect.getsourcefile(source))
    if spec is None or spec.loader is None:
        raise ImportError(f"the source of {source.__name__} cannot be found")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if function.__module__ == module.__name__:
            setattr(module, name, numba.njit(function))
    return module


compiled_cells = compile_module(cells)
