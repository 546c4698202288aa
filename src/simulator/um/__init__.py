"""USD-M perpetuals: `simulator.um.core` is the exchange, pure and without a clock; the wire stands on it.

INTERFACE of `simulator.um.core.exchange.FuturesExchange` (amounts: UNIT = 10**8 for prices, quantities and USDT;
NOTIONAL_UNIT = 10**16 only for `quote` and `executed_quote`; `now_ms` is market time; refusals raise
`simulator.core.errors.ExchangeError` with Binance's code and text):

    FuturesExchange(contracts, *, maker_ppm=200, taker_ppm=500, listener)
    add_contract(spec); set_contract(spec)                       contracts.ContractSpec; built-in: catalogue.CONTRACTS
    open_account(account_id, *, maker_ppm=None, taker_ppm=None)  wallet empty, one-way, cross, leverage 20
    set_commission(account_id, *, maker_ppm, taker_ppm)
    transfer(account_id, amount, now_ms, *, reason=AccountReason.DEPOSIT) -> IncomeRow
        amount UNIT, below 0 takes out (-2018 beyond max_withdraw)

  Market
    set_book(symbol, bids, asks, *, now_ms=None); print_trade(MarketTrade)      as simulator.core.exchange
    set_mark(symbol, mark, index, now_ms)         triggers, liquidation, margin calls
    settle_funding(symbol, rate, mark, now_ms)    rate scaled by UNIT (0.0001 is 10_000)
    pass_time(now_ms)                             runs countdowns and good-till dates; every operation does so too
    next_deadline_ms() -> int | None              when pass_time has something to do

  Orders
    place(account_id, FuturesParams, now_ms) -> FuturesOrder; check(account_id, FuturesParams, now_ms)
    modify(account_id, symbol, *, side, quantity, price, order_id=None, client_id=None, reduce_only=None, now_ms)
        -> FuturesOrder
    cancel(account_id, symbol, *, order_id=None, client_id=None, now_ms) -> FuturesOrder
    cancel_all(account_id, symbol, now_ms) -> list[FuturesOrder]                empty list where nothing is open
    set_countdown(account_id, symbol, countdown_ms, now_ms)                     0 disarms
    place_algo(account_id, AlgoParams, now_ms) -> AlgoOrder
    cancel_algo(account_id, *, algo_id=None, client_id=None, now_ms) -> AlgoOrder       -2011, -4117 while triggering
    cancel_all_algos(account_id, symbol, now_ms) -> list[AlgoOrder]

  Account settings
    set_leverage(account_id, symbol, leverage, now_ms) -> SymbolConfig
    set_margin_type(account_id, symbol, MarginType, now_ms)
    set_position_mode(account_id, hedge, now_ms)
    adjust_margin(account_id, symbol, amount, now_ms, *, position_side=None)    amount below 0 removes
    set_multi_assets(account_id, enabled): -4171 for off, refused for on

  Queries (snapshots)
    market_ms; contracts; contract(symbol); account_ids
    last_price(symbol); mark_price(symbol); index_price(symbol); depth(symbol, limit)
    commission(account_id) -> (maker_ppm, taker_ppm); hedge_mode(account_id) -> bool
    account(account_id) -> AccountView
    positions(account_id, symbol=None) -> list[PositionView]     per symbol BOTH, or LONG and SHORT; flat too
    symbol_config(account_id, symbol) -> SymbolConfig
    order(account_id, symbol, *, order_id=None, client_id=None); open_order(...) same, -2013 unless open
    open_orders(account_id, symbol=None)
    all_orders(account_id, symbol, *, order_id=None, start_ms=None, end_ms=None, limit=500)
    trades(account_id, symbol, *, order_id=None, from_id=None, start_ms=None, end_ms=None, limit=500)
    income(account_id, *, symbol=None, type=None, start_ms=None, end_ms=None, page=1, limit=100) -> list[IncomeRow]
    amendments(account_id, symbol, *, order_id=None, client_id=None, start_ms=None, end_ms=None, limit=50)
    margin_changes(account_id, symbol, *, adds=None, start_ms=None, end_ms=None, limit=500)
    force_orders(account_id, *, symbol=None, start_ms=None, end_ms=None, limit=50) -> list[FuturesOrder]
    algo(account_id, *, algo_id=None, client_id=None) -> AlgoOrder
    open_algos(account_id, symbol=None)
    all_algos(account_id, symbol, *, algo_id=None, start_ms=None, end_ms=None, limit=500)
    open_interest(symbol) -> int                                 sum of accounts' longs
    insurance_fund -> int

  State
    dump() -> dict; FuturesExchange.load(saved, *, listener)

Left to the wire: syntax (-11xx of malformed text), weights, batches, ACK against RESULT, -4120 on the ordinary
path, TRADE_LITE. Not modelled: auto-deleveraging, multi-assets mode, price match (-5037), auto-add margin, RPI.
"""
