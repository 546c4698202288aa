"""What can go wrong: every kind of fault, what it is matched against and what it takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class FaultKind(StrEnum):
    """What goes wrong; `KINDS` tells the rest."""

    LATENCY = "latency"
    ACK_DELAY = "ack_delay"
    REFUSE = "refuse"
    LOSE_REQUEST = "lose_request"
    LOSE_REPLY = "lose_reply"
    HALF_ANSWER = "half_answer"
    FAIL_BEFORE = "fail_before"
    FAIL_AFTER = "fail_after"
    GATEWAY = "gateway"
    MAINTENANCE = "maintenance"
    BAD_KEY = "bad_key"
    CLOCK_OFFSET = "clock_offset"
    THROTTLE = "throttle"
    BAN = "ban"
    READ_LAG = "read_lag"
    FREEZE_STREAM = "freeze_stream"
    DUPLICATE_FRAME = "duplicate_frame"
    REORDER_FRAME = "reorder_frame"
    LAG_STREAM = "lag_stream"
    DROP_EVENT = "drop_event"
    DUPLICATE_EVENT = "duplicate_event"
    REORDER_EVENT = "reorder_event"
    DELAY_EVENT = "delay_event"
    LAG_USER_STREAM = "lag_user_stream"
    DROP_USER_STREAM = "drop_user_stream"
    END_USER_STREAM = "end_user_stream"
    LISTEN_KEY_EXPIRY = "listen_key_expiry"
    DISCONNECT = "disconnect"
    BALANCE = "balance"
    PLACE_ORDER = "place_order"
    CANCEL_ORDER = "cancel_order"
    SYMBOL = "symbol"
    DELIST = "delist"
    COUNTDOWN = "countdown"


class Target(StrEnum):
    """What a fault's `match` is compared with. Acts strike nothing: they happen, once, when they are due."""

    OPERATION = "operation"
    PORT = "port"
    STREAM = "stream"
    EVENT = "event"
    SOCKET = "sockets"
    CLIENT_ID = "client id"
    NOTHING = "nothing"


class Lasting(StrEnum):
    """Whether a fault may, must or cannot have an end in `seconds`."""

    MAY = "may"
    MUST = "must"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class KindSpec:
    """One kind. `parameters` and `required` name fields of `reading.PARAMETERS`."""

    target: Target
    meaning: str
    required: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    lasting: Lasting = Lasting.MAY
    is_act: bool = False


SPEC_CHANGES: Final = (
    "status", "tickSize", "stepSize", "minPrice", "maxPrice", "minQty", "maxQty", "minNotional", "maxNotional",
    "maxPosition", "maxNumOrders",
)  # fmt: skip

SETTLES: Final = "settles_in_s"
"""Of a contract alone."""

_OPERATION, _STREAM, _EVENT = Target.OPERATION, Target.STREAM, Target.EVENT


def _act(target: Target, meaning: str, *required: str, more: tuple[str, ...] = ()) -> KindSpec:
    return KindSpec(target, meaning, required, more, Lasting.NEVER, is_act=True)


KINDS: Final[Mapping[FaultKind, KindSpec]] = MappingProxyType(
    {
        FaultKind.LATENCY: KindSpec(
            _OPERATION, "the request arrives `delay_ms` late, up to `jitter_ms` more", ("delay_ms",), ("jitter_ms",)
        ),
        FaultKind.ACK_DELAY: KindSpec(
            _OPERATION,
            "executed at once, answered `delay_ms` later, up to `jitter_ms` more; events come before the answer",
            ("delay_ms",),
            ("jitter_ms",),
        ),
        FaultKind.REFUSE: KindSpec(
            Target.PORT, "a new connection is closed as soon as it is accepted; with `reset` by RST", (), ("reset",)
        ),
        FaultKind.LOSE_REQUEST: KindSpec(
            _OPERATION, "not executed, the connection is cut; with `reset` by RST", (), ("reset",)
        ),
        FaultKind.LOSE_REPLY: KindSpec(
            _OPERATION, "executed, then the connection is cut; with `reset` by RST", (), ("reset",)
        ),
        FaultKind.HALF_ANSWER: KindSpec(_OPERATION, "executed, half of the answer is sent, then the connection is cut"),
        FaultKind.FAIL_BEFORE: KindSpec(
            _OPERATION, "not executed, answered `code` (-1007) with HTTP `status`", (), ("code", "status")
        ),
        FaultKind.FAIL_AFTER: KindSpec(
            _OPERATION, "executed, answered `code` (-1007) with HTTP `status`", (), ("code", "status")
        ),
        FaultKind.GATEWAY: KindSpec(
            _OPERATION,
            "not executed, an HTML page with `status` (502); while armed, system status says maintenance",
            (),
            ("status",),
        ),
        FaultKind.MAINTENANCE: KindSpec(
            Target.NOTHING,
            "sockets are sent away with serverShutdown, all but system status is a page with `status` (503)",
            (),
            ("status",),
            Lasting.MUST,
        ),
        FaultKind.BAD_KEY: KindSpec(_OPERATION, "-2015 though the key is right"),
        FaultKind.CLOCK_OFFSET: KindSpec(
            _OPERATION,
            "the server's clock is off by `delay_ms` (may be negative): serverTime and -1021",
            ("delay_ms",),
        ),
        FaultKind.THROTTLE: KindSpec(
            _OPERATION, "429 (-1003) with Retry-After; give `seconds` or `retry_after_s`", (), ("retry_after_s",)
        ),
        FaultKind.BAN: KindSpec(
            _OPERATION,
            "the peer's address is banned for `ban_s` (120): 418 for all it asks, sockets too",
            (),
            ("ban_s",),
        ),
        FaultKind.READ_LAG: KindSpec(
            _OPERATION, "orders and trades as a replica saw them `delay_ms` of market time ago", ("delay_ms",)
        ),
        FaultKind.FREEZE_STREAM: KindSpec(_STREAM, "frames are swallowed; pings go on"),
        FaultKind.DUPLICATE_FRAME: KindSpec(_STREAM, "a frame is sent twice"),
        FaultKind.REORDER_FRAME: KindSpec(
            _STREAM, "a frame goes out after the next one, at the latest `delay_ms` (1000) later", (), ("delay_ms",)
        ),
        FaultKind.LAG_STREAM: KindSpec(
            _STREAM,
            "frames go out in order, `delay_ms` late, up to `jitter_ms` more: the stream is behind REST",
            ("delay_ms",),
            ("jitter_ms",),
        ),
        FaultKind.DROP_EVENT: KindSpec(_EVENT, "a user event is swallowed"),
        FaultKind.DUPLICATE_EVENT: KindSpec(_EVENT, "a user event is sent twice"),
        FaultKind.REORDER_EVENT: KindSpec(
            _EVENT, "a user event goes out after the next one, at the latest `delay_ms` (1000) later", (), ("delay_ms",)
        ),
        FaultKind.DELAY_EVENT: KindSpec(
            _EVENT,
            "a user event is sent `delay_ms` later, after the answer and later events",
            ("delay_ms",),
            ("jitter_ms",),
        ),
        FaultKind.LAG_USER_STREAM: KindSpec(
            _EVENT,
            "user events go out in order, `delay_ms` late, up to `jitter_ms` more: the stream is behind REST",
            ("delay_ms",),
            ("jitter_ms",),
        ),
        FaultKind.DROP_USER_STREAM: KindSpec(_EVENT, "the account's subscriptions are forgotten without a word"),
        FaultKind.END_USER_STREAM: _act(
            Target.NOTHING,
            "the account's spot subscriptions end with eventStreamTerminated",
            more=("account",),
        ),
        FaultKind.LISTEN_KEY_EXPIRY: _act(
            Target.NOTHING,
            "the account's futures listen key expires: listenKeyExpired, then silence, and -1125 for renewing it",
            more=("account",),
        ),
        FaultKind.DISCONNECT: _act(
            Target.SOCKET,
            "sockets are closed; `how`: lifetime (as after 24 h), shutdown (serverShutdown first), reset (RST)",
            more=("how",),
        ),
        FaultKind.BALANCE: _act(
            Target.NOTHING,
            "another hand pays `amount` of `asset` in, or out if negative: balanceUpdate, outboundAccountPosition",
            "asset", "amount", more=("account", "market"),
        ),
        FaultKind.PLACE_ORDER: _act(
            Target.NOTHING,
            "another hand places an order: at `price`, else `distance_percent` (-1) from the last one; "
            "of `quantity`, else worth `value`",
            "symbol", "side", more=("type", "price", "distance_percent", "quantity", "value", "account", "market"),
        ),
        FaultKind.CANCEL_ORDER: _act(
            Target.CLIENT_ID,
            "another hand cancels `orders` (1) open orders drawn from the seed",
            "symbol", more=("orders", "account", "market"),
        ),
        FaultKind.SYMBOL: KindSpec(
            Target.NOTHING,
            "filters or status of `symbol` change, for `seconds` or for good; the feed stands still unless TRADING. "
            "A contract may be announced to settle `settles_in_s` of market time from now",
            ("symbol",), (*SPEC_CHANGES, SETTLES, "market"), is_act=True,
        ),
        FaultKind.DELIST: _act(
            Target.NOTHING,
            "open orders on `symbol` are cancelled, a contract's positions closed at the mark price; "
            "it disappears from exchangeInfo, new orders get -1121",
            "symbol", more=("market",),
        ),
        FaultKind.COUNTDOWN: _act(
            Target.NOTHING,
            "the account's futures countdowns run down by `delay_ms` at once, as if so much time had passed",
            "delay_ms", more=("account",),
        ),
    }
)  # fmt: skip
