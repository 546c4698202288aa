"""Refusals of USD-M with Binance's own codes and texts; those that spot shares come from `simulator.core.errors`."""

from decimal import Decimal

from simulator.core.errors import ExchangeError
from simulator.core.symbols import UNIT


def plain(amount: int) -> str:
    """Write an amount scaled by UNIT without exponent or trailing zeros."""
    text = f"{Decimal(amount) / UNIT:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def refused(code: int) -> ExchangeError:
    """Build a refusal whose text holds no value of the request."""
    return ExchangeError(code, _TEXTS[code])


def price_too_high(cap: int) -> ExchangeError:
    return ExchangeError(-4016, f"Limit price can't be higher than {plain(cap)}.")


def price_too_low(floor: int) -> ExchangeError:
    return ExchangeError(-4024, f"Limit price can't be lower than {plain(floor)}.")


def notional_too_small(minimum: int) -> ExchangeError:
    return ExchangeError(
        -4164, f"Order's notional must be no smaller than {plain(minimum)} (unless you choose reduce only)."
    )


def leverage_not_valid(leverage: int) -> ExchangeError:
    return ExchangeError(-4028, f"Leverage {leverage} is not valid")


def client_id_too_long() -> ExchangeError:
    return ExchangeError(-4015, "Client order id length should not be more than 36 chars")


def not_valid(parameter: str) -> ExchangeError:
    return ExchangeError(-1130, f"Data sent for parameter '{parameter}' is not valid.")


_TEXTS = {
    -1111: "Precision is over the maximum defined for this asset.",
    -1116: "Invalid orderType.",
    -2018: "Balance is insufficient.",
    -2019: "Margin is insufficient.",
    -2021: "Order would immediately trigger.",
    -2022: "ReduceOnly Order is rejected.",
    -2025: "Reach max open order limit.",
    -2027: "Exceeded the maximum allowable position at current leverage.",
    -2028: "Leverage is smaller than permitted: insufficient margin balance.",
    -4002: "Price greater than max price.",
    -4003: "Quantity less than zero.",
    -4004: "Quantity less than min quantity.",
    -4005: "Quantity greater than max quantity.",
    -4013: "Price less than min price.",
    -4014: "Price not increased by tick size.",
    -4015: "Client order id is not valid.",
    -4023: "Qty not increased by step size.",
    -4045: "Reach max stop order limit.",
    -4046: "No need to change margin type.",
    -4047: "Margin type cannot be changed if there exists open orders.",
    -4048: "Margin type cannot be changed if there exists position.",
    -4049: "Add margin only support for isolated position.",
    -4050: "Cross balance insufficient.",
    -4051: "Isolated balance insufficient.",
    -4054: "Cannot add position margin: position is 0.",
    -4055: "Amount must be positive.",
    -4059: "No need to change position side.",
    -4061: "Order's position side does not match user's setting.",
    -4067: "Position side cannot be changed if there exists open orders.",
    -4068: "Position side cannot be changed if there exists position.",
    -4084: "Method is not allowed currently. Upcoming soon.",
    -4116: "ClientOrderId is duplicated.",
    -4117: "Stop order is triggering.",
    -4118: "ReduceOnly Order Failed. Please check your existing position and open orders.",
    -4120: "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
    -4131: "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
    -4137: "Quantity must be zero with closePosition equals true",
    -4141: "Symbol is closed.",
    -4161: "Leverage reduction is not supported in Isolated Margin Mode with open positions",
    -4171: "Adjusted asset mode is currently set and does not need to be adjusted repeatedly.",
    -5021: "Due to the order could not be filled immediately, the FOK order has been rejected. "
    "The order will not be recorded in the order history",
    -5022: "Due to the order could not be executed as maker, the Post Only order will be rejected. "
    "The order will not be recorded in the order history",
    -5024: "Symbol is not in trading status. Order amendment is not permitted.",
    -5025: "Only limit order is supported.",
    -5026: "Exceed maximum modify order limit.",
    -5027: "No need to modify the order.",
    -5039: "Invalid self trade prevention mode",
    -5040: "The goodTillDate timestamp must be greater than the current time plus 600 seconds "
    "and smaller than 253402300799000 (UTC 9999-12-31 23:59:59)",
    -5047: "The original order is not a reduce-only order",
}
