"""Binance's answers as compact schemas, and a checker for them.

Notation: `s` text, `d` decimal as text, `i` integer, `n` number, `b` boolean, `{name:type ...}` object, `name?` a field
that may be missing, `[type]` array, `(type ...)` array by position, `type|null` may be null.
"""

import re
from collections.abc import Iterator
from typing import Any

_TOKEN = re.compile(r"[A-Za-z0-9_]+\??|[{}\[\]():|]")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")

ACK = "symbol:s orderId:i orderListId:i clientOrderId:s transactTime:i"
AMOUNTS = (
    "price:d origQty:d executedQty:d origQuoteOrderQty:d cummulativeQuoteQty:d status:s timeInForce:s type:s side:s"
)
PREVENTED = "selfTradePreventionMode:s preventedMatchId?:i preventedQuantity?:d expiryReason?:s"
RESULT = f"{ACK} {AMOUNTS} workingTime?:i {PREVENTED} stopPrice?:d"
FULL = f"{{{RESULT} fills:[{{price:d qty:d commission:d commissionAsset:s tradeId:i}}]}}"
QUERY = (
    f"{{symbol:s orderId:i orderListId:i clientOrderId:s {AMOUNTS} stopPrice:d icebergQty:d time:i updateTime:i "
    f"isWorking:b workingTime:i {PREVENTED}}}"
)
CANCEL = f"{{origClientOrderId:s {ACK} {AMOUNTS} {PREVENTED} stopPrice?:d}}"
LIST = (
    "orderListId:i contingencyType:s listStatusType:s listOrderStatus:s listClientOrderId:s transactionTime:i symbol:s "
    "orders:[{symbol:s orderId:i clientOrderId:s}]"
)
LIST_STATUS = "{e:s E:i s:s g:i c:s l:s L:s r:s C:s T:i O:[{s:s i:i c:s}]}"
KLINE = "(i d d d d d i d i d d s)"
RATES = "{maker:d taker:d buyer:d seller:d}"
DISCOUNT = "discount:{enabledForAccount:b enabledForSymbol:b discountAsset:s discount:d}"
TRADE = "{id:i price:d qty:d quoteQty:d time:i isBuyerMaker:b isBestMatch:b}"
MINI = (
    "symbol:s openPrice:d highPrice:d lowPrice:d lastPrice:d volume:d quoteVolume:d openTime:i closeTime:i "
    "firstId:i lastId:i count:i"
)
DAY = (
    f"{{{MINI} priceChange:d priceChangePercent:d weightedAvgPrice:d prevClosePrice:d lastQty:d bidPrice:d bidQty:d "
    "askPrice:d askQty:d}"
)
LIMIT_ROW = "rateLimitType:s interval:s intervalNum:i limit:i"
SYMBOL = (
    "{symbol:s status:s baseAsset:s baseAssetPrecision:i quoteAsset:s quotePrecision:i quoteAssetPrecision:i "
    "baseCommissionPrecision:i quoteCommissionPrecision:i orderTypes:[s] icebergAllowed:b ocoAllowed:b otoAllowed:b "
    "opoAllowed:b quoteOrderQtyMarketAllowed:b allowTrailingStop:b cancelReplaceAllowed:b amendAllowed:b "
    "pegInstructionsAllowed:b isSpotTradingAllowed:b isMarginTradingAllowed:b filters:[*] permissions:[s] "
    "permissionSets:[[s]] defaultSelfTradePreventionMode:s allowedSelfTradePreventionModes:[s]}"
)
CONTRACT = (
    "{symbol:s pair:s contractType:s deliveryDate:i onboardDate:i status:s maintMarginPercent:d "
    "requiredMarginPercent:d baseAsset:s quoteAsset:s marginAsset:s pricePrecision:i quantityPrecision:i "
    "baseAssetPrecision:i quotePrecision:i underlyingType:s underlyingSubType:[s] settlePlan?:i triggerProtect:d "
    "liquidationFee:d marketTakeBound:d maxMoveOrderLimit?:i orderTypes:[s] timeInForce:[s] filters:[*]}"
)
ACCOUNT = (
    f"{{makerCommission:i takerCommission:i buyerCommission:i sellerCommission:i commissionRates:{RATES} canTrade:b "
    "canWithdraw:b canDeposit:b brokered:b requireSelfTradePrevention:b preventSor:b updateTime:i accountType:s "
    "balances:[{asset:s free:d locked:d}] permissions:[s] uid:i}"
)
COMMISSION = f"{{symbol:s standardCommission:{RATES} specialCommission:{RATES} taxCommission:{RATES} {DISCOUNT}}}"
RESTRICTIONS = (
    "{ipRestrict:b createTime:i enableReading:b enableSpotAndMarginTrading:b enableFutures:b enableWithdrawals:b "
    "permitsUniversalTransfer:b enableInternalTransfer:b enableMargin:b enableVanillaOptions:b "
    "enablePortfolioMarginTrading:b}"
)
MY_TRADE = (
    "{symbol:s id:i orderId:i orderListId:i price:d qty:d quoteQty:d commission:d commissionAsset:s time:i isBuyer:b "
    "isMaker:b isBestMatch:b}"
)
REPORT = (
    "{e:s E:i s:s c:s S:s o:s f:s q:d p:d P:d F:d g:i C:s x:s X:s r:s i:i l:d z:d L:d n:d N:s|null T:i t:i I:i w:b "
    "m:b M:b O:i Z:d Y:d Q:d W?:i V:s v?:i A?:d B?:d u?:i U?:i Cs?:s pl?:d pL?:d pY?:d eR?:s}"
)
STREAMS = {
    "trade": "{e:s E:i s:s t:i p:d q:d T:i m:b M:b}",
    "aggTrade": "{e:s E:i s:s a:i p:d q:d f:i l:i T:i m:b M:b}",
    "kline_1m": "{e:s E:i s:s k:{t:i T:i s:s i:s f:i L:i o:d c:d h:d l:d v:d n:i x:b q:d V:d Q:d B:s}}",
    "miniTicker": "{e:s E:i s:s c:d o:d h:d l:d v:d q:d}",
    "ticker": ("{e:s E:i s:s p:d P:d w:d x:d c:d Q:d b:d B:d a:d A:d o:d h:d l:d v:d q:d O:i C:i F:i L:i n:i}"),
    "bookTicker": "{u:i s:s b:d B:d a:d A:d}",
    "avgPrice": "{e:s E:i s:s i:s w:d T:i}",
    "depth5": "{lastUpdateId:i bids:[(d d)] asks:[(d d)]}",
    "depth@100ms": "{e:s E:i s:s U:i u:i b:[(d d)] a:[(d d)]}",
}


def mismatch(schema: str, value: object) -> str | None:
    """Return where `value` differs from the schema, None if it fits."""
    tokens = _TOKEN.findall(schema.replace("*", "any"))
    found = list(_check(_parse(iter(tokens)), value, "$"))
    return found[0] if found else None


def _parse(tokens: Iterator[str]) -> Any:
    schema, _ = _read(list(tokens), 0)
    return schema


def _read(tokens: list[str], at: int) -> tuple[Any, int]:
    kind, at = tokens[at], at + 1
    node: Any
    if kind == "{":
        fields = {}
        while tokens[at] != "}":
            name = tokens[at]
            fields[name], at = _read(tokens, at + 2)
        node, at = ("object", fields), at + 1
    elif kind in "[(":
        parts = []
        while tokens[at] not in "])":
            part, at = _read(tokens, at)
            parts.append(part)
        node, at = ("array" if kind == "[" else "tuple", parts), at + 1
    else:
        node = ("value", kind)
    if tokens[at : at + 2] == ["|", "null"]:
        return ("null", node), at + 2
    return node, at


def _check(schema: Any, value: Any, place: str) -> Iterator[str]:
    kind, detail = schema
    if kind == "null":
        if value is not None:
            yield from _check(detail, value, place)
    elif kind == "object":
        yield from _check_object(detail, value, place)
    elif kind == "value":
        if not _is(detail, value):
            yield f"{place} is {value!r}, not {detail}"
    else:
        yield from _check_list(kind, detail, value, place)


def _check_list(kind: str, parts: list[Any], value: Any, place: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{place} is no array"
        return
    wanted = parts * len(value) if kind == "array" else parts
    if len(value) != len(wanted):
        yield f"{place} has {len(value)} items, not {len(wanted)}"
        return
    for index, (part, item) in enumerate(zip(wanted, value, strict=True)):
        yield from _check(part, item, f"{place}[{index}]")


def _check_object(fields: dict[str, Any], value: Any, place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place} is no object"
        return
    names = {name.rstrip("?"): name for name in fields}
    yield from (f"{place} has the unknown field {name}" for name in value if name not in names)
    for plain, name in names.items():
        if plain in value:
            yield from _check(fields[name], value[plain], f"{place}.{plain}")
        elif not name.endswith("?"):
            yield f"{place} lacks {plain}"


def _is(kind: str, value: object) -> bool:
    if kind == "any":
        return True
    if kind == "b":
        return isinstance(value, bool)
    if kind == "i":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "n":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "d":
        return isinstance(value, str) and _DECIMAL.fullmatch(value) is not None
    return isinstance(value, str)
