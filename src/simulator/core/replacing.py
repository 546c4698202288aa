"""Cancel-replace: one request, two legs, and Binance's table of outcomes (protocol section 2.7)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from simulator.core.errors import ExchangeError
from simulator.core.orders import Order


class ReplaceMode(StrEnum):
    STOP_ON_FAILURE = "STOP_ON_FAILURE"
    ALLOW_FAILURE = "ALLOW_FAILURE"


class LegResult(StrEnum):
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    NOT_ATTEMPTED = "NOT_ATTEMPTED"


Leg = Order | ExchangeError | None


@dataclass(frozen=True, slots=True)
class CancelReplaceOutcome:
    """Both legs: the order on success, the error on failure, None where it was not attempted."""

    cancelled: Leg
    placed: Leg

    @property
    def cancel_result(self) -> LegResult:
        return _result(self.cancelled)

    @property
    def new_order_result(self) -> LegResult:
        return _result(self.placed)


class CancelReplaceError(ExchangeError):
    """A cancel-replace of which at least one leg failed; `outcome` becomes the body's `data`."""

    def __init__(self, code: int, message: str, http_status: int, outcome: CancelReplaceOutcome) -> None:
        super().__init__(code, message, http_status)
        self.outcome = outcome


def cancel_replace(
    mode: ReplaceMode, cancel: Callable[[], Order], place: Callable[[], Order], *, count_exceeded: bool
) -> CancelReplaceOutcome:
    """Run the two legs.

    Raises:
        CancelReplaceError: -2022 (status 400) when nothing happened, -2021 (409) when exactly one leg did;
            429 instead where the order count is exceeded in mode STOP_ON_FAILURE.
    """
    cancelled = _attempt(cancel)
    stops = mode is ReplaceMode.STOP_ON_FAILURE and isinstance(cancelled, ExchangeError)
    placed = None if stops else _attempt(place)
    outcome = CancelReplaceOutcome(cancelled, placed)
    successes = (outcome.cancel_result, outcome.new_order_result).count(LegResult.SUCCESS)
    if successes == 2:
        return outcome
    limited = count_exceeded and mode is ReplaceMode.STOP_ON_FAILURE
    if successes == 1:
        text = "Order cancel-replace partially failed."
        raise CancelReplaceError(-2021, text, 429 if limited else 409, outcome)
    raise CancelReplaceError(-2022, "Order cancel-replace failed.", 429 if limited else 400, outcome)


def _attempt(leg: Callable[[], Order]) -> Order | ExchangeError:
    try:
        return leg()
    except ExchangeError as error:
        return error


def _result(leg: Leg) -> LegResult:
    if leg is None:
        return LegResult.NOT_ATTEMPTED
    return LegResult.FAILURE if isinstance(leg, ExchangeError) else LegResult.SUCCESS
