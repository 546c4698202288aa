"""The rows a turn writes lead back to the exchange they were told of."""

import json
from typing import Any

from hypothesis import given, settings

from simulator.um.core.exchange import FuturesExchange
from simulator.um.core.journal import Row, assemble
from unit.simulator_um.test_um_properties import PATHS, SYMBOL, Step, World


@given(PATHS)
@settings(max_examples=40)
def test_rows_of_every_turn_together_are_the_whole_state(path: list[Step]) -> None:
    world = World()
    journal = world.exchange.journal()
    written: dict[tuple[str, str, str, int], Row] = {}
    _write(written, list(journal.everything()))
    for step in path:
        world.events.clear()
        world.apply(step)
        _write(written, [*journal.changes(world.events), *journal.standing([SYMBOL])])
    saved = assemble(written[key] for key in sorted(written))
    assert saved is not None
    again = FuturesExchange.load(json.loads(json.dumps(saved)), listener=world.events.append)
    assert _comparable(again) == _comparable(world.exchange)


def _write(written: dict[tuple[str, str, str, int], Row], rows: list[Row]) -> None:
    written.update({row[:4]: row for row in rows})


def _comparable(exchange: FuturesExchange) -> dict[str, Any]:
    """The state without the external volume ahead of orders, which a turn without their events does not write."""
    dump = exchange.dump()
    for history in dump["histories"]:
        for order in history["orders"]:
            order["ahead"] = 0
    dump["histories"] = [history for history in dump["histories"] if history["orders"]]
    for name in ("accounts", "histories"):
        dump[name].sort(key=lambda row: row["account_id"])
    for account in dump["accounts"]:
        account["positions"].sort(key=lambda position: position["side"])
    return dump
