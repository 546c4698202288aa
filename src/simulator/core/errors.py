"""Rejections with Binance's own code and text."""

from typing import Final


class ExchangeError(Exception):
    """A request the exchange refused; nothing of it was executed.

    Attributes:
        code: Binance's negative error code.
        message: Binance's text, character by character.
        http_status: status of the REST answer that carries it.
    """

    def __init__(self, code: int, message: str, http_status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.http_status = http_status


CLIENT_ID_PATTERN: Final = "^[a-zA-Z0-9-_]{1,36}$"


def illegal_characters(parameter: str, legal: str) -> ExchangeError:
    return ExchangeError(-1100, f"Illegal characters found in parameter '{parameter}'; legal range is '{legal}'.")


def missing_parameter(parameter: str) -> ExchangeError:
    return ExchangeError(-1102, f"Mandatory parameter '{parameter}' was not sent, was empty/null, or malformed.")


def missing_both(first: str, second: str) -> ExchangeError:
    return ExchangeError(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def surplus_parameter(parameter: str) -> ExchangeError:
    return ExchangeError(-1106, f"Parameter '{parameter}' sent when not required.")


def surplus_time_in_force() -> ExchangeError:
    return ExchangeError(-1114, "TimeInForce parameter sent when not required.")


def bad_combination() -> ExchangeError:
    return ExchangeError(-1128, "Combination of optional parameters invalid.")


def bad_symbol() -> ExchangeError:
    return ExchangeError(-1121, "Invalid symbol.")


def invalid_message(text: str) -> ExchangeError:
    """A refusal of the layer before the engine (-1013), static filters among them."""
    return ExchangeError(-1013, text)


def filter_failure(name: str) -> ExchangeError:
    return ExchangeError(-1013, f"Filter failure: {name}")


def count_failure(name: str) -> ExchangeError:
    """A filter the engine itself evaluates (counts and positions), reported as -2010."""
    return ExchangeError(-2010, f"Filter failure: {name}")


def order_rejected(text: str) -> ExchangeError:
    return ExchangeError(-2010, text)


def empty_book() -> ExchangeError:
    return ExchangeError(-1112, "No orders on book for symbol.")


def unknown_order_sent() -> ExchangeError:
    """The target of a cancel is final, of another symbol, or never existed."""
    return ExchangeError(-2011, "Unknown order sent.")


def cancel_restricted() -> ExchangeError:
    return ExchangeError(-2011, "Order was not canceled due to cancel restrictions.")


def no_such_order() -> ExchangeError:
    """The target of a query does not exist."""
    return ExchangeError(-2013, "Order does not exist.")


def archived_order() -> ExchangeError:
    return ExchangeError(
        -2026, "Order was canceled or expired with no executed qty over 90 days ago and has been archived."
    )


def client_id_mismatch() -> ExchangeError:
    return ExchangeError(-2039, "Client order ID is not correct for this order ID.")


MARKET_CLOSED: Final = "Market is closed."
WOULD_TAKE: Final = "Order would immediately match and take."
DUPLICATE_ORDER: Final = "Duplicate order sent."
INSUFFICIENT_BALANCE: Final = "Account has insufficient balance for requested action."
THIN_BOOK: Final = "Order book liquidity is less than symbol minimum quantity."
THIN_BOOK_FOR_FILTER: Final = "Order book liquidity is less than `{}` filter minimum quantity."
STP_MODE_NOT_ALLOWED: Final = "This symbol does not allow the specified self-trade prevention mode."
WOULD_TRIGGER: Final = "Stop price would trigger immediately."
"""What live answers; its documentation has "Order would trigger immediately." """
OCO_BAD_PRICES: Final = "The relationship of the prices for the orders is not correct."
ZERO_NOTIONAL: Final = "Price * QTY is zero or less."
