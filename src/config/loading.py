"""From command line, environment, .env and file to the settings of one run."""

import io
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from dotenv.parser import parse_stream
from pydantic import TypeAdapter, ValidationError

from config.catalogue import Path as KeyPath
from config.catalogue import is_credential, section_names
from config.checks import cross_mistakes, mistake_of
from config.mistakes import ConfigError, Mistake
from config.options import ENVIRONMENT_PREFIX, OPTIONS, TEST_PREFIX, Option, build_parser, parse_options
from config.settings import Settings
from config.yaml_text import read_yaml

# What a child process may see of the environment: where things are, how to write text, how to reach the market.
CHILD_VARIABLES = ("PATH", "HOME", "USER", "LANG", "LANGUAGE", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
CHILD_PREFIXES = ("LC_", "PYTHON", "LD_LIBRARY_")
CHILD_SUFFIXES = ("_PROXY",)

SHIPPED_FILE = Path(__file__).with_name("config.yaml")
DESCRIPTION = "Self-hosted grid trading for Binance spot and USD-M futures."


@dataclass(slots=True)
class _Layers:
    """Values as they pile up, each with the place a mistake about it is told under."""

    tree: dict[str, object] = field(default_factory=dict)
    origins: dict[KeyPath, str] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def put(self, path: KeyPath, value: object, origin: str) -> None:
        place = self.tree
        for name in path[:-1]:
            inner = place.get(name)
            place[name] = inner = dict(inner) if isinstance(inner, Mapping) else {}
            place = inner
        place[path[-1]] = value
        self.origins[path] = origin

    def drop(self, path: KeyPath) -> None:
        place: object = self.tree
        for name in path[:-1]:
            place = place.get(name) if isinstance(place, Mapping) else None
        if isinstance(place, dict):
            place.pop(path[-1], None) if path else place.clear()

    def origin(self, path: KeyPath) -> str:
        """Return the place that set `path`, or else its nearest section."""
        nearest = (path[:depth] for depth in range(len(path), -1, -1))
        return next((self.origins[known] for known in nearest if known in self.origins), "settings")


def load_settings_of_process(program: str = "gridhive", argv: Sequence[str] | None = None) -> Settings:
    """Load this process's settings; the only place that reads its arguments and environment.

    Args:
        program: its name in help and mistakes.
        argv: options, where they are not simply the process's own.

    Raises:
        ConfigError: holding every mistake; print it and leave with its `exit_code`.
    """
    return load_settings(sys.argv[1:] if argv is None else argv, os.environ, Path.cwd(), program=program)


def child_environment() -> dict[str, str]:
    """Return what a child process gets to see of this process's environment: none of its keys and addresses."""
    return {
        name: text
        for name, text in os.environ.items()
        if name in CHILD_VARIABLES or name.startswith(CHILD_PREFIXES) or name.upper().endswith(CHILD_SUFFIXES)
    }


def load_settings(argv: Sequence[str], environ: Mapping[str, str], cwd: Path, *, program: str = "gridhive") -> Settings:
    """Return the settings that `argv`, `environ`, `cwd`/.env and the configuration file say together.

    An option wins over the environment, the environment over .env, .env over the file, the file over defaults.
    Relative paths lie under `cwd`; with a data folder given, relative log paths lie under that folder.

    Raises:
        ConfigError: holding every mistake of all of them.
    """
    layers = _Layers()
    given, layers.mistakes = parse_options(build_parser(program, DESCRIPTION), argv)
    dotenv = _read_dotenv(cwd / ".env", layers.mistakes)
    overrides = [
        *_overrides_of(dotenv, ".env: ", layers.mistakes),
        *_overrides_of(environ, "", layers.mistakes),
        *((option, value, option.flag) for option, value in given.items()),
    ]
    named = next((str(value) for option, value, _ in reversed(overrides) if not option.key), None)
    file = SHIPPED_FILE if named is None else cwd / named
    _read_file(file, {**dotenv, **{name: text for name, text in environ.items() if text}}, layers)
    default_data_dir = _value_at(layers.tree, ("server", "data_dir")) in (None, "data")
    for option, value, origin in overrides:
        _apply(option, value, origin, layers)
    data_dir_given = not default_data_dir or any(option.name == "data-dir" for option, _, _ in overrides)
    return _checked(layers, cwd, data_dir_given=data_dir_given)


def _read_dotenv(path: Path, mistakes: list[Mistake]) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(Mistake(".env", "", f"cannot be read ({type(error).__name__})", "save it as UTF-8 text"))
        return {}
    values = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key and binding.value is None):
            mistakes.append(Mistake(f".env:{binding.original.line}", "", "is no NAME=value", "write NAME=value"))
        elif binding.key and binding.value:
            values[binding.key] = binding.value
    return values


def _overrides_of(
    environment: Mapping[str, str], prefix: str, mistakes: list[Mistake]
) -> list[tuple[Option, object, str]]:
    """Return the options `environment` sets; a variable with our prefix that is none of them is a mistake."""
    by_variable = {option.variable: option for option in OPTIONS}
    found: list[tuple[Option, object, str]] = []
    for name, text in environment.items():
        if not name.startswith(ENVIRONMENT_PREFIX) or name.startswith(TEST_PREFIX) or not text:
            continue
        if option := by_variable.get(name):
            found.append((option, text, prefix + name))
        else:
            near = get_close_matches(name, by_variable, n=1)
            remedy = f"did you mean {near[0]}?" if near else "unset it; --help lists those that are known"
            mistakes.append(Mistake(prefix + name, "", "is not a known variable", remedy))
    return found


def _read_file(file: Path, environment: Mapping[str, str], layers: _Layers) -> None:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        remedy = "name a readable UTF-8 file with --config"
        layers.mistakes.append(Mistake(str(file), "", f"cannot be read ({type(error).__name__})", remedy))
        return
    read = read_yaml(text, file.name, environment, is_credential)
    layers.tree = {name: value for name, value in read.tree.items() if not _empty_section((name,), value)}
    layers.origins = {(): file.name} | {path: f"{file.name}:{line}" for path, line in read.lines.items()}
    layers.mistakes += read.mistakes


def _empty_section(path: KeyPath, value: object) -> bool:
    """Drop sections without keys, however deep: `alerts:` alone means its defaults."""
    if isinstance(value, dict):
        for name in [name for name, part in value.items() if _empty_section((*path, name), part)]:
            del value[name]
    return value is None and path in section_names()


def _apply(option: Option, value: object, origin: str, layers: _Layers) -> None:
    if not option.key:
        return
    if option.sets is None:
        layers.put(option.path, value, origin)
        return
    try:
        wanted = TypeAdapter(bool).validate_python(value)
    except ValidationError:
        layers.mistakes.append(Mistake(origin, "", "must be true or false", "write true, or unset it"))
        return
    if wanted:
        layers.put(option.path, option.sets, origin)


def _checked(layers: _Layers, cwd: Path, *, data_dir_given: bool) -> Settings:
    """Validate; what is refused is set aside, so that the rules between sections are judged in the same round."""
    refused: set[KeyPath] = set()
    settings = None
    while settings is None:
        try:
            settings = Settings.model_validate(layers.tree)
        except ValidationError as error:
            found = [mistake_of(detail, layers.tree, layers.origin) for detail in error.errors()]
            layers.mistakes += {mistake.key: mistake for path, mistake in found if not _related(path, refused)}.values()
            if refused.issuperset(path for path, _ in found):
                raise ConfigError(layers.mistakes) from None
            for path, _ in found:
                layers.drop(path)
                refused.add(path)
    settings = _with_paths(settings, cwd, data_dir_given=data_dir_given)
    for path, problem, remedy in cross_mistakes(settings):
        if path not in refused:
            layers.mistakes.append(Mistake(layers.origin(path), ".".join(path), problem, remedy))
    if layers.mistakes:
        raise ConfigError(layers.mistakes)
    return settings


def _related(path: KeyPath, refused: set[KeyPath]) -> bool:
    """Whether `path` lies in or around something set aside before, so that its mistake may only follow from that."""
    return any(path[: len(other)] == other or other[: len(path)] == path for other in refused)


def _with_paths(settings: Settings, cwd: Path, *, data_dir_given: bool) -> Settings:
    """Make every path absolute, and let `auto` mean the files that were given."""
    data_dir = cwd / settings.server.data_dir
    base = data_dir if data_dir_given else cwd
    log = settings.logging
    files = tuple(_absolute(named, cwd) for named in settings.simulator.replay)
    plan = settings.simulator.faults
    plan = None if plan is None else cwd / plan
    market = "replay" if files and settings.simulator.market == "auto" else settings.simulator.market
    return settings.model_copy(
        update={
            "server": settings.server.model_copy(update={"data_dir": data_dir}),
            "logging": log.model_copy(
                update={
                    "log_file": base / log.log_file,
                    "trade_log_file": base / log.trade_log_file,
                    "market_performance_log": base / log.market_performance_log,
                }
            ),
            "simulator": settings.simulator.model_copy(update={"replay": files, "market": market, "faults": plan}),
        }
    )


def _absolute(named: str, cwd: Path) -> str:
    symbol, equals, path = named.rpartition("=")
    return f"{symbol}{equals}{cwd / Path(path).expanduser()}"


def _value_at(tree: Mapping[str, object], path: KeyPath) -> object:
    value: object = tree
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
