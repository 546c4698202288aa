"""A transfer whose answer makes no sense is of unknown outcome, never made and never refused."""

import asyncio
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any

import pytest

from adapters.binance.transfers import BinanceTransfers
from adapters.binance.transport import Call
from domain.account import Mode
from domain.errors import OutcomeUnknown, VenueError
from domain.instrument import Market
from domain.switches import Transfer, TransferState

ASKED = Transfer(asset="USDT", amount=Decimal("249.99000011"), to=Market.FUTURES)
OTHER = {"asset": "USDT", "amount": "7", "status": "CONFIRMED", "tranId": 1}


class Line:
    """Stands in for the I/O thread and what sends there: every call gets the same answer."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def run(self, work: Coroutine[Any, Any, Any], _deadline_s: float) -> Any:
        return asyncio.run(work)

    async def send(self, _call: Call) -> Any:
        return self.answer


def transfers(answer: Any) -> BinanceTransfers:
    line = Line(answer)
    return BinanceTransfers(line, line, Mode.PRODUCTION, offered=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", [{}, [], None, {"tranId": "soon"}, {"tranId": None}], ids=repr)
def test_an_answer_to_a_transfer_that_makes_no_sense_leaves_its_outcome_open(answer: Any) -> None:
    with pytest.raises(OutcomeUnknown, match="cannot be understood"):
        transfers(answer).send(ASKED)


@pytest.mark.parametrize(
    "answer", [[], None, {"rows": [{}]}, {"rows": [{**OTHER, "amount": "much"}]}, {"rows": 5}], ids=repr
)
def test_a_list_that_makes_no_sense_is_no_proof_that_nothing_was_made(answer: Any) -> None:
    with pytest.raises(VenueError, match="cannot be understood"):
        transfers(answer).find(ASKED)


def test_a_list_longer_than_is_read_is_no_proof_either_and_a_short_one_is() -> None:
    with pytest.raises(VenueError, match="there are more"):
        transfers({"rows": [OTHER] * 100}).find(ASKED)
    assert transfers({"rows": [OTHER]}).find(ASKED) is None
    assert transfers({"total": 0}).find(ASKED) is None
    there = {**OTHER, "amount": "249.99000011", "status": "LATER", "tranId": 9}
    assert transfers({"rows": [OTHER, there]}).find(ASKED) == (TransferState.PENDING, 9)


@pytest.mark.parametrize("answer", [[], {}, {"permitsUniversalTransfer": False}], ids=repr)
def test_a_key_that_does_not_show_the_permission_lacks_it(answer: Any) -> None:
    assert "lacks the permission" in transfers(answer).trouble()
