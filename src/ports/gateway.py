"""The way orders reach the venue. Nothing here blocks: what happened comes back through `answer`."""

from collections.abc import Callable, Sequence
from typing import Protocol

from domain.events import FeeEvent, FundingEvent, OrderEvent
from domain.instrument import Instrument
from domain.orders import Intent, VenueOrder

Answer = Callable[[OrderEvent], None]
FeeAnswer = Callable[[FeeEvent], None]
FundingAnswer = Callable[[FundingEvent], None]


class OrderGateway(Protocol):
    """Asynchronous signed order transport. Every call returns at once; `answer` is called later, from any thread.

    Exactly one final answer follows each call. The user stream reports besides, and may overtake an answer.
    """

    def submit(self, intent: Intent, answer: Answer) -> None:
        """Send one order. Answers: OrderReported, OrderRefused, OrderNotSent or OutcomeUnknown."""

    def cancel(self, instrument: Instrument, client_id: str, answer: Answer) -> None:
        """Cancel one order. Answers: OrderReported (final state), CancelRefused, OrderNotSent or OutcomeUnknown."""

    def look_up(
        self,
        instrument: Instrument,
        client_id: str,
        sent_ms: int,
        answer: Answer,
        presumed: VenueOrder | None = None,
    ) -> None:
        """Settle what became of an order by client id, with the order's trades.

        Where its trades add up to the executed quantity of `presumed`, that is what is reported.

        Answers: OrderReported, OrderAbsent (only once a request sent at `sent_ms`, wall time, can no longer be
        accepted: past the receive window plus a margin, on several tries), or ReadFailed.
        """

    def read_open(
        self,
        instrument: Instrument,
        since_trade_id: int | None,
        answer: Answer,
        known: Sequence[tuple[int, str]] = (),
    ) -> None:
        """Read all open orders and our trades with an id of at least `since_trade_id`; no trades where it is None.

        `known` pairs the venue's order numbers with client ids, so that their trades need no further question.
        Readings without trades that are asked for at about the same time may share one of the whole account.

        Answers: OpenOrdersRead (orders first, then trades, so that no fill falls between; of a contract its position
        last) or ReadFailed.
        """

    def read_trades(
        self, instrument: Instrument, since_trade_id: int, answer: Answer, known: Sequence[tuple[int, str]] = ()
    ) -> None:
        """Read our trades with an id of at least `since_trade_id`. Answers: TradesRead or ReadFailed."""


class FeePrices(Protocol):
    """What fee assets are worth. Returns at once like the gateway; exactly one answer follows each call."""

    def ask(self, instrument: Instrument, asset: str, at_ms: int, trade_id: int | None, answer: FeeAnswer) -> None:
        """Ask for the price of `asset` in the instrument's quote at market time `at_ms`.

        Answers: FeePriced, or FeeNotPriced; both carry `trade_id` back.
        """


class FundingReader(Protocol):
    """What funding brought. Returns at once like the gateway; exactly one answer follows each call."""

    def read(self, instrument: Instrument, since_ms: int, answer: FundingAnswer) -> None:
        """Read the account's payments and the contract's settlements since that market time.

        Answers: FundingRead, or FundingNotRead. The venue's record of a payment may come later than its settlement.
        """
