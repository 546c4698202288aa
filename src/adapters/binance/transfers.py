"""Universal transfer between the spot and the USD-M wallet (protocol 1.5). Only Production and our exchange have it."""

from collections.abc import Mapping
from typing import Any, Final

from adapters.binance.io_thread import IoThread
from adapters.binance.request_limits import Cost
from adapters.binance.transport import Call, Transport
from adapters.binance.weights import Urgency
from domain.account import Mode
from domain.errors import OutcomeUnknown, VenueError
from domain.instrument import Market
from domain.money import parse_amount
from domain.switches import Transfer, TransferState
from utils.binance_errors import Purpose
from utils.binance_signing import Params

DEADLINE_S: Final = 60.0
_PATH: Final = "/sapi/v1/asset/transfer"
_TYPES: Final[Mapping[Market, str]] = {Market.FUTURES: "MAIN_UMFUTURE", Market.SPOT: "UMFUTURE_MAIN"}
"""By the wallet that the funds go to."""
_PAGE: Final = 100
_MOST_PAGES: Final = 10


class BinanceTransfers:
    """Implements ports.switches.FundTransfers.

    Args:
        io: the thread that sends.
        transport: signs and sends.
        mode: of the account.
        offered: whether /sapi calls may leave in this mode, and futures are there.
    """

    def __init__(
        self, io: IoThread, transport: Transport, mode: Mode, *, offered: bool, deadline_s: float = DEADLINE_S
    ) -> None:
        self._io, self._transport, self._mode, self._offered = io, transport, mode, offered
        self._deadline_s = deadline_s

    @property
    def abstains(self) -> str:
        """Return why this mode has no transfers at all, empty where it has."""
        return "" if self._offered else f"{self._mode} offers no transfers between wallets"

    def trouble(self) -> str:
        """Return why no transfer can be made here; the key's permissions are read, at a weight of 1."""
        if self.abstains:
            return self.abstains
        try:
            allowed = self._call("GET", "/sapi/v1/account/apiRestrictions", {}, Purpose.READ)
        except VenueError as error:
            return str(error)
        if not (isinstance(allowed, dict) and allowed.get("permitsUniversalTransfer")):
            return "the API key lacks the permission for universal transfer; give it at the exchange"
        return ""

    def send(self, transfer: Transfer) -> int:
        params = {"type": _TYPES[transfer.to], "asset": transfer.asset, "amount": transfer.amount}
        answer = self._call("POST", _PATH, params, Purpose.PLACE)
        try:
            return int(answer["tranId"])
        except (KeyError, TypeError, ValueError) as error:
            raise OutcomeUnknown(f"the answer to a transfer cannot be understood: {error!r}") from error

    def find(self, transfer: Transfer) -> tuple[TransferState, int] | None:
        """Return what became of a transfer by its amount, which no other one has; of the last seven days."""
        for page in range(1, _MOST_PAGES + 1):
            params = {"type": _TYPES[transfer.to], "current": page, "size": _PAGE}
            answer = self._call("GET", _PATH, params, Purpose.READ)
            try:
                rows = answer.get("rows") or ()  # Binance leaves it out where there are none
                found = next((_fate(row) for row in rows if _is_of(row, transfer)), None)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise VenueError(f"the list of transfers cannot be understood: {error!r}") from error
            if found is not None or len(rows) < _PAGE:
                return found
        raise VenueError(f"the last {_MOST_PAGES * _PAGE} transfers lack it, and there are more")

    def _call(self, method: str, path: str, params: Params, purpose: Purpose) -> Any:
        call = Call(
            market=Market.SPOT,
            method=method,
            path=path,
            cost=Cost(1),
            params=params,
            signed=True,
            purpose=purpose,
            reading=Urgency.RECONCILE,
            alone=True,
        )
        return self._io.run(self._transport.send(call), self._deadline_s)


def _state(word: str) -> TransferState:
    """Return a status; a word that is not documented is no proof that it came to an end."""
    return {"CONFIRMED": TransferState.CONFIRMED, "FAILED": TransferState.FAILED}.get(word, TransferState.PENDING)


def _is_of(row: Mapping[str, Any], transfer: Transfer) -> bool:
    return bool(row["asset"] == transfer.asset and parse_amount(row["amount"]) == transfer.amount)


def _fate(row: Mapping[str, Any]) -> tuple[TransferState, int]:
    return _state(row["status"]), int(row["tranId"])
