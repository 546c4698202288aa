"""Binance's refusals as exceptions, with its own codes and texts (spot error codes, 2026-10)."""

from collections.abc import Callable, Mapping
from typing import Final

_BROKEN: Final = {
    -1000: (500, "An unknown error occurred while processing the request."),
    -1001: (500, "Internal error; unable to process your request. Please try again."),
    -1006: (500, "An unexpected response was received from the message bus. Execution status unknown."),
    -1007: (504, "Timeout waiting for response from backend server. Send status unknown; execution status unknown."),
    -1008: (503, "Server is currently overloaded with other requests. Please try again in a few minutes."),
}


class ApiError(Exception):
    """A refusal of the API layer.

    Attributes:
        code: Binance's negative error code.
        message: Binance's text for it.
        http_status: status of the REST answer and of the ws-api answer alike.
        data: extra body of cancel-replace refusals, else None.
        retry_after_s: seconds for the Retry-After header, else None.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        http_status: int = 400,
        data: Mapping[str, object] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(f"{code} {message}")
        self.code, self.message, self.http_status = code, message, http_status
        self.data, self.retry_after_s = data, retry_after_s

    def body(self) -> dict[str, object]:
        """Return the JSON body `{"code", "msg"[, "data"]}`."""
        body: dict[str, object] = {"code": self.code, "msg": self.message}
        if self.data is not None:
            body["data"] = self.data
        return body


def refusal(code: int, message: str) -> Callable[[], ApiError]:
    """Return what makes the same refusal each time."""
    return lambda: ApiError(code, message)


def illegal_characters(name: str, legal: str) -> ApiError:
    return ApiError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def too_many_parameters(expected: int, received: int) -> ApiError:
    return ApiError(-1101, f"Too many parameters; expected '{expected}' and received '{received}'.")


def duplicate_parameter() -> ApiError:
    return ApiError(-1101, "Duplicate values for a parameter detected.")


def mandatory(name: str) -> ApiError:
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def one_of_mandatory(first: str, second: str) -> ApiError:
    return ApiError(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def too_great(name: str, limit: int) -> ApiError:
    return ApiError(-1102, f"'{name}' contains unexpected value. Cannot be greater than {limit}.")


def unread_parameters(read: int, sent: int) -> ApiError:
    return ApiError(-1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.")


def empty_parameter(name: str) -> ApiError:
    return ApiError(-1105, f"Parameter '{name}' was empty.")


def not_required(name: str) -> ApiError:
    return ApiError(-1106, f"Parameter '{name}' sent when not required.")


def overflow(name: str) -> ApiError:
    return ApiError(-1108, f"Parameter '{name}' overflowed.")


def too_much_precision(name: str) -> ApiError:
    return ApiError(-1111, f"Parameter '{name}' has too much precision.")


def bad_symbol() -> ApiError:
    return ApiError(-1121, "Invalid symbol.")


def lookup_too_long(hours: int) -> ApiError:
    return ApiError(-1127, f"More than {hours} hours between startTime and endTime.")


def bad_combination() -> ApiError:
    return ApiError(-1128, "Combination of optional parameters invalid.")


def invalid_data(name: str) -> ApiError:
    return ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")


def invalid_json(name: str) -> ApiError:
    return ApiError(-1135, f"JSON sent for parameter '{name}' is not valid")


def stale_timestamp() -> ApiError:
    return ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


def early_timestamp() -> ApiError:
    return ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def bad_signature() -> ApiError:
    return ApiError(-1022, "Signature for this request is not valid.")


def bad_key_format() -> ApiError:
    return ApiError(-2014, "API-key format invalid.", http_status=401)


def rejected_key() -> ApiError:
    return ApiError(-2015, "Invalid API-key, IP, or permissions for action.", http_status=401)


def weight_exceeded(limit: int, retry_after_s: int) -> ApiError:
    return ApiError(
        -1003,
        f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
        http_status=429,
        retry_after_s=retry_after_s,
    )


def banned(until_ms: int, retry_after_s: int) -> ApiError:
    return ApiError(
        -1003,
        f"Way too much request weight used; IP banned until {until_ms}. "
        "Please use WebSocket Streams for live updates to avoid bans.",
        http_status=418,
        retry_after_s=retry_after_s,
    )


def too_many_orders(limit: int, per: str, retry_after_s: int) -> ApiError:
    return ApiError(
        -1015,
        f"Too many new orders; current limit is {limit} orders per {per}.",
        http_status=429,
        retry_after_s=retry_after_s,
    )


def unsupported() -> ApiError:
    return ApiError(-1020, "This operation is not supported.")


def broken(code: int, http_status: int = 0) -> ApiError:
    """Return what the venue says when something broke inside it; `http_status` 0 takes the usual one."""
    usual, text = _BROKEN[code]
    return ApiError(code, text, http_status=http_status or usual)
