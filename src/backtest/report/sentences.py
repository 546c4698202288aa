"""What a back-test found, in words for a person."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from backtest.bnb_market import BnbMarket
from backtest.candles import Candles
from backtest.ratios import Absent
from backtest.result import Result
from backtest.rules_source import UsedRules
from backtest.scenario import FillKind, PathRule, Scenario
from backtest.study import Study, TradesPlayed
from backtest.wording import counted
from domain.instrument import Instrument
from domain.money import plain
from domain.orders import Side
from grid.core.exit_checks import begin_and_end_fields

_PATHS: Final = {
    PathRule.CANDLE: "within a candle the price goes the shorter way: open, low, high, close if it did not fall, "
    "else open, high, low, close",
    PathRule.OPTIMISTIC: "within a candle the price goes the longer way, with the most round trips",
    PathRule.PESSIMISTIC: "within a candle the price goes the shorter way, and orders fill only where it goes "
    "through them",
}


def amount(value: Decimal, *, signed: bool = False) -> str:
    """Return money as people write it: two decimals, more where it is small (1,234.50)."""
    small = 0 < abs(value) < Decimal("0.01")
    places = Decimal("0.000001") if small else Decimal("0.01")
    rounded = value.quantize(places, ROUND_HALF_UP)
    if not rounded:
        return f"{abs(rounded):f}"
    return f"{rounded:+,f}" if signed else f"{rounded:,f}"


def percent(fraction: float, *, signed: bool = False, places: int = 2) -> str:
    """Return 1.23 %, without a sign before zero."""
    text = f"{fraction * 100:{'+' if signed else ''},.{places}f}"
    return f"{'0.' + '0' * places if float(text.replace(',', '')) == 0 else text} %"


def span(days: float) -> str:
    """Return a length of time as people say it."""
    if days >= 2:
        return f"{days:,.0f} days" if days == int(days) or days >= 20 else f"{days:,.1f} days"
    for length, one in ((1 / 24, "hour"), (1 / 1_440, "minute"), (1 / 86_400, "second")):
        if days >= length:
            number = f"{days / length:,.1f}".removesuffix(".0")
            return f"{number} {one}" if number == "1" else f"{number} {one}s"
    return "less than a second"


def day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}"


def minute(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M}"


def headline(study: Study) -> str:
    """Return the whole finding in a sentence or two."""
    result, quote = study.result, study.rules.rules.instrument.quote
    change = result.books.equity_change
    verb = "earned" if change >= 0 else "lost"
    total = percent(abs(float(change / result.start_equity)))
    first = (
        f"This grid would have {verb} {amount(abs(change))} {quote} ({total}) in {span(study.measures.work.days)}. "
        f"{_held(study)}"
    )
    if study.bounds is None:
        return first
    low, high = (bound.books.equity_change for bound in (study.bounds.pessimistic, study.bounds.optimistic))
    if low == high == change:
        return f"{first} The pessimistic and the optimistic reading of the prices agree with that."
    if study.trades is not None:
        return (
            f"{first} Last in every queue it would have been {amount(low, signed=True)} {quote}, "
            f"first in every queue {amount(high, signed=True)}."
        )
    return (
        f"{first} Other readings of the same candles put it between {amount(min(low, high), signed=True)} and "
        f"{amount(max(low, high), signed=True)} {quote}."
    )


def _held(study: Study) -> str:
    """Return what holding would have brought: the first purchase, where there was one, and everything."""
    money, base = study.measures.money, study.rules.rules.instrument.base
    if isinstance(money.hold_change, Absent):
        return f"Everything in {base} would have {_moved(money.all_in_change)}."
    return (
        f"Simply holding what it {_first_deed(study)} first would have {_moved(money.hold_change)}, "
        f"everything in {base} {_moved(money.all_in_change)}."
    )


def _first_deed(study: Study) -> str:
    return "sold" if study.result.scenario.plan.entry_side is Side.SELL else "bought"


def _moved(change: Decimal) -> str:
    return f"{'gained' if change >= 0 else 'lost'} {amount(abs(change))}"


def assumptions(study: Study) -> list[str]:
    """Return what was taken for granted, one sentence each."""
    taken = assumptions_of(study.result.scenario, study.candles, study.rules, study.origin)
    if study.trades is not None:
        told = about_trades(study.result.scenario, study.candles, study.trades, study.origin)
        taken = [*told, *taken[3:]]
    return [*taken, f"The fill rule is {study.fill_origin}."] if study.fill_origin else taken


def assumptions_of(scenario: Scenario, candles: Candles, rules: UsedRules, source: str) -> list[str]:
    """Return what is taken for granted of a scenario; `source` says where the candles come from."""
    instrument = scenario.rules.instrument
    gaps = candles.gaps
    missing = sum(gap.missing for gap in gaps)
    data = (
        f"{counted(len(candles), 'candle')} of {interval(candles.interval_ms)} from {day(candles.start_ms)} to "
        f"{day(candles.end_ms)} (UTC)"
    )
    held = ", ".join(f"{plain(value)} {asset}" for asset, value in scenario.balances.items() if value)
    market = f"{instrument.base}/{instrument.quote} on {instrument.venue} {instrument.market}"
    origin = f", {source}" if source else ""
    lacks = f"{_are(missing)} missing, in {counted(len(gaps), 'gap')}" if gaps else "none are missing"
    return [
        f"Market: {market}; {data}{origin}; {lacks}.",
        f"Fills: {_fill(scenario)}.",
        f"Path: {_PATHS[scenario.path]}.",
        f"Fees: {_fees(scenario, candles.end_ms)}.",
        *_contract(scenario),
        *filter(None, [_ends(scenario)]),
        f"Order rules: {rules.sentence}.",
        f"Account: {held} at the start, and nobody else trades on it; nothing is paid in or out.",
        f"Orders: {_delays(scenario)}.",
        *(
            []
            if scenario.max_exposure is None
            else [f"Risk gate: {limit_sentence(scenario.max_exposure, instrument)}."]
        ),
        "The grid's orders move no price; interest on cash is 0.",
    ]


def _contract(scenario: Scenario) -> list[str]:
    if scenario.contract is None:
        return []
    terms = scenario.terms
    stands = (
        f"Contract: a {scenario.plan.request.direction} grid at {terms.leverage}x with {terms.margin_type} margin, in "
        "one-way mode; liquidated where a trade's price leaves less than the maintenance margin of its bracket, the "
        "mark price being taken for the trades'."
    )
    return [stands, f"Funding: {scenario.contract.funding.source}."]


def _ends(scenario: Scenario) -> str:
    """Return what is assumed of it; empty where there is nothing."""
    fields = begin_and_end_fields(scenario.plan.request)
    if not fields:
        return ""
    return (
        f"Begin and end: {', '.join(fields)} judged at each of a candle's prices, so met at that price and "
        "not at the one between them that the live grid would have seen; closing takes all at that price."
    )


def about_trades(scenario: Scenario, candles: Candles, trades: TradesPlayed, source: str) -> list[str]:
    """Return what takes the place of the first three sentences of `assumptions_of` where trades are replayed."""
    instrument = scenario.rules.instrument
    share = plain(Decimal(scenario.fill.share_ppm) / 10_000)
    ways = {
        FillKind.TOUCH: "a trade at its price fills a resting order up to the trade's size (the first in the queue)",
        FillKind.THROUGH: "trades at its price leave a resting order be (the last in the queue)",
        FillKind.SHARE: f"a resting order gets {share} % of what is traded at its price",
    }
    origin = f", {source}" if source else ""
    lacks = f"{_are(trades.missing)} missing" if trades.missing else "none are missing"
    market = f"{instrument.base}/{instrument.quote} on {instrument.venue} {instrument.market}"
    window = f"{day(candles.start_ms)} to {day(candles.end_ms)} (UTC)"
    return [
        f"Market: {market}; {counted(trades.count, 'trade')} from {window}{origin}; {lacks}.",
        f"Fills: {ways[scenario.fill.kind]}; a trade beyond its price fills it whole.",
        "Path: every trade in the order it happened; nothing is guessed between them.",
    ]


def _are(number: int) -> str:
    return f"{number:,} {'is' if number == 1 else 'are'}"


def interval(interval_ms: int) -> str:
    """Return 1m, 5m, 1h or 1d."""
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if interval_ms % length == 0:
            return f"{interval_ms // length}{unit}"
    return f"{interval_ms} ms"


def _fill(scenario: Scenario) -> str:
    if scenario.path is PathRule.PESSIMISTIC or scenario.fill.kind is FillKind.THROUGH:
        return "a resting order fills whole once the price goes beyond it (the last in the queue)"
    if scenario.fill.kind is FillKind.TOUCH:
        return "a resting order fills whole as soon as its price is reached (the first in the queue)"
    share = plain(Decimal(scenario.fill.share_ppm) / 10_000)
    return f"at its price a resting order gets {share} % of the candle's volume, beyond it it fills whole"


def _fees(scenario: Scenario, end_ms: int) -> str:
    fees = scenario.fees
    rates = f"maker {plain(fees.rates.maker * 100)} %, taker {plain(fees.rates.taker * 100)} %"
    discounted = f"{rates}, a quarter less as long as BNB lasts"
    if fees.bnb_market is not None:
        return f"{discounted}, at {_moving_price(fees.bnb_market, end_ms)}"
    if fees.bnb_price is not None:
        return f"{discounted}, at a constant {plain(fees.bnb_price)} per BNB"
    return f"{rates}, taken from what each fill brings"


def _delays(scenario: Scenario) -> str:
    latency, most = scenario.delays.latency_ms, scenario.delays.orders_per_10s
    if not scenario.orders_travel:
        return "the exchange answers at once, so that post-only is never refused, and no order waits for its turn"
    travel = "the exchange answers at once"
    if latency:
        travel = (
            f"they and their cancels reach the exchange {latency:,} ms after what they answer, and until then prices "
            "meet the old ones"
        )
    turn = (
        f"no more than {most:,} are sent in ten seconds, as the risk gate has it" if most else "none waits for its turn"
    )
    near = scenario.plan.request.resting_levels
    window = f"only the {near:,} nearest of each side rest; " if near else ""
    again = "behind the price, post-only" if scenario.plan.request.post_only else "as a plain limit order"
    return f"{window}{travel}; post-only that would take is refused and sent again {again}; {turn}"


def limit_sentence(limit: Decimal, instrument: Instrument) -> str:
    """Return what a limit of exposure holds back."""
    return (
        f"a buy waits that would put more than {plain(limit)} {instrument.quote} at risk, inventory at cost plus open "
        "buys; sales pass"
    )


def _moving_price(market: BnbMarket, end_ms: int) -> str:
    missing, every = market.missing_until(end_ms), interval(market.candles.interval_ms)
    told = f"the last close of {market.symbol} ({every}) before each fill's candle or trade"
    if not missing:
        return told
    share = percent(missing / (missing + len(market.candles)))
    return f"{told}; of its candles {_are(missing)} missing ({share}), and there the last known price goes on"


def name_of(result: Result) -> str:
    instrument = result.scenario.rules.instrument
    return f"{instrument.base}/{instrument.quote}"
