"""Turning refusals of single values into words, and the rules that span sections."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path as FilePath
from urllib.parse import urlsplit

from pydantic_core import ErrorDetails

from config.catalogue import Path, all_keys, is_credential, section_names, shown, suggestion
from config.mistakes import Mistake
from config.service_settings import SimulatorSettings
from config.settings import Settings
from domain.account import Mode

LONGEST_ECHO = 24  # a longer text may be a secret that was put into the wrong key

Origin = Callable[[Path], str]


def mistake_of(error: ErrorDetails, tree: Mapping[str, object], origin: Origin) -> tuple[Path, Mistake]:
    """Return which part of `tree` pydantic's `error` refuses, and what to tell a person about it."""
    path = _existing(tuple(str(part) for part in error["loc"]), tree, error["type"])
    dotted = ".".join(path)
    if error["type"] == "extra_forbidden":
        return path, Mistake(origin(path), dotted, "is not a known key", suggestion(path))
    if error["type"] == "missing":
        return path[:-1], Mistake(origin(path), dotted, "is missing", "write a value for it")
    if path in section_names() and error["type"] != "value_error":
        return path, Mistake(origin(path), dotted, "is a section", "write its keys indented below it")
    return path, Mistake(origin(path), dotted, _problem(error) + _echo(path, tree), _remedy(path))


def cross_mistakes(settings: Settings) -> Iterator[tuple[Path, str, str]]:
    """Yield key, problem and remedy of everything that is wrong between sections that are right by themselves."""
    markets = settings.exchange.supported_markets
    if settings.default_market_type not in markets:
        problem = f"is {settings.default_market_type}, which exchange.supported_markets leaves out"
        yield ("default_market_type",), problem, f"write {' or '.join(markets)}"
    presets = settings.ai_agent.model_presets
    if settings.ai_agent.preset not in presets:
        yield ("ai_agent", "preset"), "names no preset", f"write one of {', '.join(presets) or 'those you define'}"
    most = settings.risk_management.futures_risk.max_leverage
    if settings.grid.futures_leverage > most:
        key = ("grid", "futures", "leverage") if settings.grid.futures.leverage else ("grid", "leverage")
        problem = f"is above risk_management.futures_risk.max_leverage ({most})"
        yield key, problem, f"write {most} or less"
    if settings.grid.infinity is (settings.grid.lower_price is None):
        remedy = "write the lowest rung" if settings.grid.infinity else "leave it empty, or write infinity: true"
        yield ("grid", "lower_price"), "goes with infinity: true, and that with it", remedy
    oldest = settings.risk_management.gate.max_price_age_seconds
    if settings.streams.silence_max_seconds >= oldest:
        problem = f"is not below risk_management.gate.max_price_age_seconds ({oldest}): quiet markets would never trade"
        yield ("streams", "silence_max_seconds"), problem, f"write less than {oldest}"
    for named in settings.simulator.replay:
        file = FilePath(named.rpartition("=")[2])
        if not file.is_file():
            yield ("simulator", "replay"), f"names {file.name}, which is no file there", "write the path of a file"
    yield from _fault_mistakes(settings.simulator)
    for name in ("exchange_url", "exchange_futures_url"):
        url = getattr(settings.simulator, name)
        if url and not _is_loopback(urlsplit(url).hostname or ""):
            yield (
                ("simulator", name),
                f"is {url}, which is not on this machine",
                "write the address of a simulator here",
            )
    yield from _mode_mistakes(settings)


def _fault_mistakes(simulator: SimulatorSettings) -> Iterator[tuple[Path, str, str]]:
    plan = simulator.faults
    if plan is not None and not plan.is_file():
        yield ("simulator", "faults"), f"names {plan.name}, which is no file there", "write the path of a plan"
    if plan is not None and simulator.exchange_url:
        problem = "is for the simulator that is started as a child, and exchange_url names one that runs"
        yield ("simulator", "faults"), problem, "leave one of the two out, or start that simulator with --faults"


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _mode_mistakes(settings: Settings) -> Iterator[tuple[Path, str, str]]:
    mode = settings.operation_mode
    if mode is Mode.PRODUCTION and not settings.confirm_production:
        problem = "is Production, which trades real money, and nothing confirms it"
        yield ("operation_mode",), problem, "add --confirm-production, or write confirm_production: true"
    if mode not in settings.available_modes():
        prefix = "testnet_" if mode is Mode.TESTNET else ""
        for name, secret in zip(("key", "secret"), settings.credentials(mode), strict=True):
            if not secret:
                variable = f"BINANCE_{prefix.upper()}API_{name.upper()}"
                yield ("api", prefix + name), f"is empty, but {mode} needs it", f"set {variable} in .env"


def _existing(loc: Path, tree: Mapping[str, object], kind: str) -> Path:
    """Cut off what pydantic adds to a location: names of union members and validators."""
    value: object = tree
    for depth, part in enumerate(loc):
        if not isinstance(value, Mapping) or part not in value:
            return loc if kind == "missing" else loc[:depth]
        value = value[part]
    return loc


WORDS = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "string_type": "must be text; put it in quotes",
    "string_pattern_mismatch": "has letters or signs that are not allowed here",
}


def _problem(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if error["type"] == "value_error":
        return str(context["error"])
    if error["type"] in {"literal_error", "enum"}:
        return f"must be {context['expected']}".replace("'", "")
    if error["type"] in WORDS:
        return WORDS[error["type"]]
    message = error["msg"]
    for theirs, ours in (("Input should be a valid", "must be a"), ("Input should", "must")):
        message = message.replace(theirs, ours)
    return message[:1].lower() + message[1:]


def _echo(path: Path, tree: Mapping[str, object]) -> str:
    """Repeat a short plain value; never one that could be a secret."""
    value: object = tree
    for part in path:
        value = value[part] if isinstance(value, Mapping) else None
    if is_credential(path) or isinstance(value, Mapping | list):
        return ""
    text = shown(value) or "empty"
    return "" if len(text) > LONGEST_ECHO or "@" in text else f", was {text}"


def _remedy(path: Path) -> str:
    key = all_keys().get(path)
    if key is None:
        return "see docs/configuration.md" if len(path) > 1 and path not in section_names() else "change one of them"
    if key.is_secret and not key.example:
        return "write ${NAME} and set that variable in .env"
    return f"write for example {key.example}"
