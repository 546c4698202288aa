"""USD-M's private answers and events as compact schemas, in the notation of `wire_schemas`."""

_TERMS = (
    "reduceOnly:b side:s positionSide:s status:s stopPrice:d closePosition:b symbol:s timeInForce:s type:s origType:s "
    "updateTime:i workingType:s priceProtect:b priceMatch:s selfTradePreventionMode:s goodTillDate:i"
)
PLACED = f"{{clientOrderId:s cumQty:d executedQty:d orderId:i origQty:d price:d {_TERMS}}}"
QUERY = f"{{avgPrice:d clientOrderId:s cumQuote:d executedQty:d orderId:i origQty:d price:d time:i {_TERMS}}}"
_ALGO = (
    "algoId:i clientAlgoId:s algoType:s orderType:s symbol:s side:s positionSide:s timeInForce:s quantity:d "
    "algoStatus:s triggerPrice:d price:d icebergQuantity?:d selfTradePreventionMode:s workingType:s priceMatch:s "
    "closePosition:b priceProtect:b reduceOnly:b activatePrice?:d callbackRate?:d createTime:i updateTime:i "
    "triggerTime:i goodTillDate:i"
)
ALGO = f"{{{_ALGO}}}"
ALGO_QUERY = f"{{{_ALGO} actualOrderId:s actualPrice:d actualType?:s actualQty?:d tpOrderType:s}}"
OK = "{code:i msg:s}"
TRADE = (
    "{symbol:s id:i orderId:i side:s positionSide:s price:d qty:d quoteQty:d realizedPnl:d commission:d "
    "commissionAsset:s marginAsset?:s buyer:b maker:b time:i}"
)
_CHANGE = "{before:d after:d}"
AMENDMENT = (
    "{amendmentId:i symbol:s pair:s orderId:i clientOrderId:s time:i "
    f"amendment:{{price:{_CHANGE} origQty:{_CHANGE} count:i modifyId?:i}}}}"
)
_TOTALS = (
    "totalInitialMargin:d totalMaintMargin:d totalWalletBalance:d totalUnrealizedProfit:d totalMarginBalance:d "
    "totalPositionInitialMargin:d totalOpenOrderInitialMargin:d totalCrossWalletBalance:d totalCrossUnPnl:d "
    "availableBalance:d maxWithdrawAmount:d"
)
_ASSET = (
    "asset:s walletBalance:d unrealizedProfit:d marginBalance:d maintMargin:d initialMargin:d positionInitialMargin:d "
    "openOrderInitialMargin:d crossWalletBalance:d crossUnPnl:d availableBalance:d maxWithdrawAmount:d updateTime:i"
)
ACCOUNT_V2 = (
    "{feeTier:i feeBurn:b canTrade:b canDeposit:b canWithdraw:b updateTime:i multiAssetsMargin:b tradeGroupId:i "
    f"{_TOTALS} assets:[{{{_ASSET} marginAvailable:b}}] positions:[{{symbol:s initialMargin:d maintMargin:d "
    "unrealizedProfit:d positionInitialMargin:d openOrderInitialMargin:d leverage:d isolated:b entryPrice:d "
    "maxNotional:d bidNotional:d askNotional:d positionSide:s positionAmt:d updateTime:i}]}"
)
ACCOUNT_V3 = (
    f"{{{_TOTALS} assets:[{{{_ASSET}}}] positions:[{{symbol:s positionSide:s positionAmt:d unrealizedProfit:d "
    "isolatedMargin:d notional:d isolatedWallet:d initialMargin:d maintMargin:d updateTime:i}]}"
)
BALANCE = (
    "{accountAlias:s asset:s balance:d crossWalletBalance:d crossUnPnl:d availableBalance:d maxWithdrawAmount:d "
    "marginAvailable:b updateTime:i}"
)
_RISK = (
    "symbol:s positionSide:s positionAmt:d entryPrice:d breakEvenPrice:d markPrice:d unRealizedProfit:d "
    "liquidationPrice:d isolatedMargin:d notional:d isolatedWallet:d updateTime:i"
)
RISK_V2 = f"{{{_RISK} leverage:d maxNotionalValue:d marginType:s isAutoAddMargin:s}}"
RISK_V3 = (
    f"{{{_RISK} marginAsset:s initialMargin:d maintMargin:d positionInitialMargin:d openOrderInitialMargin:d adl:i "
    "bidNotional:d askNotional:d}"
)
ACCOUNT_CONFIG = (
    "{feeTier:i canTrade:b canDeposit:b canWithdraw:b dualSidePosition:b updateTime:i multiAssetsMargin:b "
    "tradeGroupId:i}"
)
SYMBOL_CONFIG = "{symbol:s marginType:s isAutoAddMargin:b leverage:i maxNotionalValue:d}"
LEVERAGE = "{leverage:i maxNotionalValue:d symbol:s}"
BRACKETS = (
    "{symbol:s notionalCoef?:n brackets:[{bracket:i initialLeverage:i notionalCap:n notionalFloor:n "
    "maintMarginRatio:n cum:n}]}"
)
COMMISSION = "{symbol:s makerCommissionRate:d takerCommissionRate:d rpiCommissionRate?:d}"
INCOME = "{symbol:s incomeType:s income:d asset:s info:s time:i tranId:i tradeId:s}"
MARGIN_CHANGE = "{symbol:s type:i deltaType:s amount:d asset:s time:i positionSide:s}"
TRANSFERS = "{total:i rows:[{asset:s amount:d type:s status:s tranId:i timestamp:i}]}"

EVENTS = {
    "ORDER_TRADE_UPDATE": (
        "{e:s E:i T:i o:{s:s c:s S:s o:s f:s q:d p:d ap:d sp:d x:s X:s i:i l:d z:d L:d N:s n:d T:i t:i b:d a:d m:b R:b "
        "wt:s ot:s ps:s cp:b AP?:d cr?:d pP:b si:i ss:i rp:d V:s pm:s gtd:i er?:s M?:s}}"
    ),
    "ACCOUNT_UPDATE": (
        "{e:s E:i T:i a:{m:s B:[{a:s wb:d cw:d bc:d}] P:[{s:s pa:d ep:d bep:d cr:d up:d mt:s iw:d ps:s}] S?:s}}"
    ),
    "TRADE_LITE": "{e:s E:i T:i s:s q:d p:d m:b c:s S:s L:d l:d t:i i:i}",
    "ALGO_UPDATE": (
        "{e:s E:i T:i o:{caid:s aid:i at:s o:s s:s S:s ps:s f:s q:d X:s ai:s ap:d aq:d act:s tp:d p:d V:s wt:s pm:s "
        "cp:b pP:b R:b tt:i gtd:i rm:s ia?:b}}"
    ),
    "MARGIN_CALL": "{e:s E:i cw?:d p:[{s:s ps:s pa:d mt:s iw?:d mp:d up:d mm:d}]}",
    "ACCOUNT_CONFIG_UPDATE": "{e:s E:i T:i ac?:{s:s l:i} ai?:{j:b}}",
    "CONDITIONAL_ORDER_TRIGGER_REJECT": "{e:s E:i T:i or:{s:s i:i r:s}}",
    "listenKeyExpired": "{e:s E:i listenKey:s}",
}
