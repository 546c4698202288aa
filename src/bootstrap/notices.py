"""Sentences a person must see while a house stands."""

from config.catalogue import not_built_yet_in_use
from config.settings import Settings

_GATE_ONLY = (
    "Of the risk limits only risk_management.gate is enforced yet; drawdown, loss protection and allocation are not."
)
_BY_MARKET_SOURCE = {
    "synthetic": "Shadow mode on a synthetic market: prices come from a seeded model, not from Binance.",
    "replay": "Shadow mode on a replay: prices are recorded ones.",
    "live": "",
    "testnet": "Testnet: orders go to Binance's test environment.",
}


def standing_notices(settings: Settings, market_source: str) -> tuple[str, ...]:
    """Return what holds for as long as the house stands."""
    faults = "" if market_source == "testnet" else _faults(settings)
    return tuple(filter(None, [_BY_MARKET_SOURCE[market_source], faults, _GATE_ONLY, *unbuilt(settings)]))


def _faults(settings: Settings) -> str:
    plan = settings.simulator.faults
    return f"The exchange misbehaves on purpose, by the plan {plan} (simulator.faults)." if plan else ""


def unbuilt(settings: Settings) -> list[str]:
    """Return one sentence naming the keys that are set but whose part does not exist yet; none where none is."""
    keys = not_built_yet_in_use(settings)
    return [f"these settings have no effect yet: {', '.join(keys)}"] if keys else []
