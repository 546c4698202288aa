"""USD-M's public answers and streams as compact schemas, in the notation of `wire_schemas`."""

from fakes.wire_schemas import CONTRACT, KLINE, LIMIT_ROW

_TRADE = "{id:i price:d qty:d quoteQty:d time:i isBuyerMaker:b isRPITrade:b}"
_PREMIUM = (
    "{symbol:s markPrice:d indexPrice:d estimatedSettlePrice:d lastFundingRate:d interestRate:d nextFundingTime:i "
    "time:i}"
)
_DAY = (
    "{symbol:s priceChange:d priceChangePercent:d weightedAvgPrice:d lastPrice:d lastQty:d openPrice:d highPrice:d "
    "lowPrice:d volume:d quoteVolume:d openTime:i closeTime:i firstId:i lastId:i count:i}"
)
_BOOK = "{symbol:s bidPrice:d bidQty:d askPrice:d askQty:d time:i lastUpdateId?:i}"
_PRICE = "{symbol:s price:d time:i}"
_INFO = (
    f"{{timezone:s serverTime:i futuresType?:s rateLimits:[{{{LIMIT_ROW}}}] exchangeFilters:[*] "
    f"assets:[{{asset:s marginAvailable:b autoAssetExchange:s|null}}] symbols:[{CONTRACT}]}}"
)
ONE = {"symbol": "BTCUSDT"}
CANDLES = {"interval": "5m", "limit": 500}

PUBLIC: dict[str, tuple[dict[str, object], str]] = {
    "v1/ping": ({}, "{}"),
    "v1/time": ({}, "{serverTime:i}"),
    "v1/exchangeInfo": ({}, _INFO),
    "v1/depth": ({**ONE, "limit": 20}, "{lastUpdateId:i E:i T:i bids:[(d d)] asks:[(d d)]}"),
    "v1/trades": (ONE, f"[{_TRADE}]"),
    "v1/historicalTrades": (ONE, f"[{_TRADE}]"),
    "v1/aggTrades": (ONE, "[{a:i p:d q:d nq:d f:i l:i T:i m:b}]"),
    "v1/klines": ({**ONE, **CANDLES}, f"[{KLINE}]"),
    "v1/continuousKlines": ({"pair": "BTCUSDT", "contractType": "PERPETUAL", **CANDLES}, f"[{KLINE}]"),
    "v1/indexPriceKlines": ({"pair": "BTCUSDT", **CANDLES}, f"[{KLINE}]"),
    "v1/markPriceKlines": ({**ONE, **CANDLES}, f"[{KLINE}]"),
    "v1/premiumIndex": ({}, f"[{_PREMIUM}]"),
    "v1/fundingRate": (ONE, "[{symbol:s fundingRate:d fundingTime:i markPrice:s rateType?:s}]"),
    "v1/ticker/24hr": (ONE, _DAY),
    "v1/ticker/price": (ONE, _PRICE),
    "v2/ticker/price": ({}, f"[{_PRICE}]"),
    "v1/ticker/bookTicker": ({}, f"[{_BOOK}]"),
    "v1/openInterest": (ONE, "{openInterest:d symbol:s time:i}"),
}

_BEST = "{e:s u:i E:i T:i s:s b:d B:d a:d A:d ps:s st:i}"
_DEPTH = "{e:s E:i T:i s:s U:i u:i pu:i b:[(d d)] a:[(d d)] ps:s st:i}"
_MARK = "{e:s E:i s:s p:d i:d P:d r:d ap:d T:i st:i}"
_KLINE_BODY = "t:i T:i i:s f:i L:i o:d c:d h:d l:d v:d n:i x:b q:d V:d Q:d B:s"
_MINI = "{e:s E:i s:s c:d o:d h:d l:d v:d q:d ps:s st:i}"
_TICKER = "{e:s E:i s:s p:d P:d w:d c:d Q:d o:d h:d l:d v:d q:d O:i C:i F:i L:i n:i ps:s st:i}"

PUBLIC_STREAMS = {
    "btcusdt@bookTicker": _BEST,
    "!bookTicker": _BEST,
    "btcusdt@depth@100ms": _DEPTH,
    "btcusdt@depth5": _DEPTH,
    "btcusdt@trade": "{e:s E:i T:i s:s t:i p:d q:d X:s m:b}",
}
MARKET_STREAMS = {
    "btcusdt@aggTrade": "{e:s E:i s:s a:i p:d q:d nq:d f:i l:i T:i m:b st:i}",
    "btcusdt@kline_1m": f"{{e:s E:i s:s k:{{s:s {_KLINE_BODY}}}}}",
    "btcusdt_perpetual@continuousKline_1m": f"{{e:s E:i ps:s ct:s k:{{{_KLINE_BODY}}}}}",
    "btcusdt@markPrice": _MARK,
    "btcusdt@markPrice@1s": _MARK,
    "!markPrice@arr@1s": f"[{_MARK}]",
    "btcusdt@miniTicker": _MINI,
    "!miniTicker@arr": f"[{_MINI}]",
    "btcusdt@ticker": _TICKER,
    "!ticker@arr": f"[{_TICKER}]",
}
