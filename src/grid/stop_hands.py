"""The hands for a grid's stops: they keep and send what the worker says of them."""

import logging
from collections.abc import Callable
from typing import Final

from domain.conditional import ConditionalEvent
from domain.events import ReadFailed
from domain.instrument import Instrument, Market
from domain.money import plain
from grid.stops import CancelStop, LookUpStop, PlaceStop, ReadStops, RecordStops, StopEffect, StopTold
from ports.conditional import ConditionalGateway
from ports.store import Store

log = logging.getLogger(__name__)

_NOT_HERE: Final = "this server places no conditional orders"


class StopHands:
    """Of one grid; `gateway` is None where no contracts are traded, `answer` takes what the venue says."""

    def __init__(
        self,
        grid_id: int,
        instrument: Instrument,
        store: Store,
        gateway: ConditionalGateway | None,
        answer: Callable[[StopTold], None],
    ) -> None:
        self._grid_id, self._instrument, self._store = grid_id, instrument, store
        self._gateway = gateway if instrument.market is Market.FUTURES else None
        self._answer = answer

    def carry_out(self, effect: StopEffect) -> None:
        if isinstance(effect, RecordStops):
            self._store.record_conditionals(self._grid_id, effect.rows, forget=effect.forget)
            for row in effect.rows:
                price, status = plain(row.intent.trigger_price), row.status or "being placed"
                log.info("grid %d: its stop at %s on %s is %s", self._grid_id, price, self._instrument, status)
        elif self._gateway is None:
            self._told(ReadFailed("stops", _NOT_HERE))
        else:
            self._send(self._gateway, effect)

    def hear(self) -> None:
        """Have the grid told what the user stream says of its stops."""
        if self._gateway is not None:
            self._gateway.hear(self._instrument, self._told)

    def hear_no_more(self) -> None:
        if self._gateway is not None:
            self._gateway.hear_no_more(self._instrument)

    def _send(self, gateway: ConditionalGateway, effect: PlaceStop | CancelStop | LookUpStop | ReadStops) -> None:
        match effect:
            case PlaceStop(intent=intent):
                gateway.submit(intent, self._told)
            case CancelStop(client_id=client_id):
                gateway.cancel(self._instrument, client_id, self._told)
            case LookUpStop(client_id=client_id, sent_ms=sent_ms):
                gateway.look_up(self._instrument, client_id, sent_ms, self._told)
            case ReadStops():
                gateway.read_open(self._instrument, self._told)

    def _told(self, event: ConditionalEvent) -> None:
        self._answer(StopTold(event))
