"""Universal transfer as our exchange does it: made, refused, lost on the way and found again by its amount."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from adapters.binance.connect import BinanceVenue
from adapters.binance.hosts import Addresses, AddressForbidden, HostGuard
from adapters.binance.transfers import BinanceTransfers
from domain.account import Mode
from domain.errors import OrderRejected, OutcomeUnknown
from domain.instrument import Market
from domain.switches import Transfer, TransferState, told_apart
from fakes.venue_process import VenueProcess

OPERATION = "sapi.transfer.new"


def usdt(venue: BinanceVenue, market: Market) -> Decimal:
    return sum((it.total for it in venue.account.balances(market) if it.asset == "USDT"), Decimal(0))


def transfer(number: int, to: Market, amount: str = "250") -> Transfer:
    return Transfer(asset="USDT", amount=told_apart(Decimal(amount), number, 1), to=to)


@pytest.fixture
def same_funds(venue: BinanceVenue) -> Iterator[BinanceVenue]:
    """Leave the wallets as they were."""
    before = usdt(venue, Market.FUTURES)
    yield venue
    difference = usdt(venue, Market.FUTURES) - before
    if difference:
        back = Market.SPOT if difference > 0 else Market.FUTURES
        venue.transfers.send(Transfer(asset="USDT", amount=abs(difference), to=back))


def test_funds_go_to_the_futures_wallet_and_back_to_the_last_digit(same_funds: BinanceVenue) -> None:
    venue = same_funds
    assert (venue.transfers.trouble(), venue.transfers.abstains) == ("", "")
    before = {market: usdt(venue, market) for market in Market}
    there, back = transfer(1, Market.FUTURES), transfer(2, Market.SPOT)
    numbers = [venue.transfers.send(there)]
    assert usdt(venue, Market.FUTURES) == before[Market.FUTURES] + there.amount
    assert usdt(venue, Market.SPOT) == before[Market.SPOT] - there.amount
    numbers.append(venue.transfers.send(back))
    assert [venue.transfers.find(it) for it in (there, back)] == [(TransferState.CONFIRMED, it) for it in numbers]
    assert venue.transfers.find(transfer(3, Market.SPOT)) is None


def test_what_the_wallet_does_not_hold_is_refused(same_funds: BinanceVenue) -> None:
    with pytest.raises(OrderRejected, match="5013"):
        same_funds.transfers.send(transfer(4, Market.FUTURES, "99999999"))


@pytest.mark.parametrize(("fault", "number", "is_made"), [("lose_reply", 5, True), ("lose_request", 6, False)])
def test_a_transfer_of_unknown_outcome_is_found_by_its_amount(
    same_funds: BinanceVenue, process: VenueProcess, fault: str, number: int, is_made: bool
) -> None:
    asked = transfer(number, Market.FUTURES)
    process.fault(fault, OPERATION)
    with pytest.raises(OutcomeUnknown):
        same_funds.transfers.send(asked)
    found = same_funds.transfers.find(asked)
    assert (found is not None and found[0] is TransferState.CONFIRMED) is is_made


def test_the_testnet_abstains_and_nothing_leaves(venue: BinanceVenue) -> None:
    guard = HostGuard(
        Mode.TESTNET,
        Addresses(
            spot_rest="https://testnet.binance.vision",
            spot_streams="wss://stream.testnet.binance.vision",
            spot_ws_api="wss://ws-api.testnet.binance.vision/ws-api/v3",
        ),
    )
    with pytest.raises(AddressForbidden):
        guard.check("https://testnet.binance.vision/sapi/v1/asset/transfer")
    there = BinanceTransfers(venue.io, venue.transport, Mode.TESTNET, offered=guard.offers_sapi)
    assert there.trouble() == "Testnet offers no transfers between wallets"
