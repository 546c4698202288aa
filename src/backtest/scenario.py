"""What is replayed: a grid, the venue's rules and fees, the account, and what is assumed where candles are silent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from backtest.bnb_market import BnbMarket
from backtest.candles import Candles
from backtest.contract_market import ContractMarket
from backtest.core.ends import MOST_ORDERS
from domain.errors import FieldMistake, InvalidRequest
from domain.grids import ContractTerms, Direction, GridPlan, GridRequest
from domain.instrument import FeeRates, InstrumentRules, Market
from domain.money import ZERO, from_units, plain, to_units
from grid.core.exit_checks import begin_and_end_fields
from grid.core.planning import PreflightFacts, plan_grid

PPM: Final = 1_000_000
MOST_FEE_PPM: Final = PPM // 2
MOST_AMOUNT: Final = Decimal(10**15)
"""More of an asset than any account holds, and as much as exact money carries."""
MOST_LATENCY_MS: Final = 60_000
MOST_ORDERS_PER_10S: Final = 10_000


class FillKind(StrEnum):
    """What fills a resting order whose price is reached."""

    TOUCH = "touch"  # reaching its price fills it whole: the first in the queue
    THROUGH = "through"  # only a price beyond its own fills it: the last in the queue
    SHARE = "share"  # at its price it gets a share of the volume, beyond it is filled whole


class PathRule(StrEnum):
    """In which order a candle's four prices are visited."""

    CANDLE = "candle"  # the shorter way: open, low, high, close where it did not fall, else open, high, low, close
    OPTIMISTIC = "optimistic"  # the longer way, with the most round trips
    PESSIMISTIC = "pessimistic"  # the shorter way, and orders fill only where the price goes through them


@dataclass(frozen=True, slots=True)
class FillAssumption:
    """How resting orders fill. `share_ppm` (parts per million of a candle's volume) matters for SHARE alone."""

    kind: FillKind = FillKind.TOUCH
    share_ppm: int = 0

    def __post_init__(self) -> None:
        if self.kind is FillKind.SHARE and not 0 < self.share_ppm <= PPM:
            raise ValueError(f"share_ppm must lie above 0 and at most at {PPM}, was {self.share_ppm}")


@dataclass(frozen=True, slots=True)
class Fees:
    """Commission of the account, in parts per million of what a fill brings.

    It is taken from the asset received, base of a purchase, quote of a sale, unless the price of BNB is told: then from
    the account's BNB, at Binance's discount, as long as that lasts. `bnb_price` (quote per BNB) stands still over the
    replay; with `bnb_market` each fill pays the price that was known when its candle, or its trade, began.
    """

    maker_ppm: int = 1_000
    taker_ppm: int = 1_000
    bnb_price: Decimal | None = None
    bnb_market: BnbMarket | None = None

    def __post_init__(self) -> None:
        for name in ("maker_ppm", "taker_ppm"):
            if not 0 <= getattr(self, name) < MOST_FEE_PPM:
                raise ValueError(f"{name} must lie between 0 and {MOST_FEE_PPM}, was {getattr(self, name)}")
        if self.bnb_price is not None and self.bnb_price <= 0:
            raise ValueError(f"bnb_price must be above 0, was {self.bnb_price}")
        if self.bnb_price is not None and self.bnb_market is not None:
            raise ValueError("bnb_price and bnb_market are both named; give one of them")

    @property
    def first_bnb_price(self) -> Decimal | None:
        """Return quote per BNB at the start; None where fees are not paid in it."""
        return self.bnb_price if self.bnb_market is None else self.bnb_market.first_price

    @property
    def rates(self) -> FeeRates:
        return FeeRates(maker=Decimal(self.maker_ppm) / PPM, taker=Decimal(self.taker_ppm) / PPM)


@dataclass(frozen=True, slots=True)
class Delays:
    """What keeps orders from resting at once.

    `latency_ms` is the time from what the grid sees to what reaches the venue, there and back together; without it
    orders rest at once and post-only is never refused. `orders_per_10s` is the risk gate's limit
    `max_orders_per_10s`, 0: none.
    """

    latency_ms: int = 0
    orders_per_10s: int = 0

    def __bool__(self) -> bool:
        return self.latency_ms > 0 or self.orders_per_10s > 0

    @property
    def mistakes(self) -> Iterator[tuple[str, str]]:
        if not 0 <= self.latency_ms <= MOST_LATENCY_MS:
            yield "latency_ms", f"must be from 0 to {MOST_LATENCY_MS}, was {self.latency_ms}"
        if not 0 <= self.orders_per_10s <= MOST_ORDERS_PER_10S:
            yield "orders_per_10s", f"must be from 0 (no limit) to {MOST_ORDERS_PER_10S}, was {self.orders_per_10s}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One grid on one market with one set of assumptions.

    `max_exposure` (quote) is the risk gate's limit of the same name: inventory at cost plus open buys; a buy that would
    lift them above it waits, sales always pass. None: no limit.

    `balances` is what the account holds at the start, by asset: quote, base and, for fees, BNB. An order that the free
    balance cannot pay is not placed; it is tried again after every fill.

    With `delays` it is refused, and tried again as live: five times, then it is given up.

    On a contract, which `contract` tells more of, no balance is locked; the plan's `terms` say by which leverage.
    """

    plan: GridPlan
    rules: InstrumentRules
    balances: Mapping[str, Decimal]
    fees: Fees = field(default_factory=Fees)
    fill: FillAssumption = field(default_factory=FillAssumption)
    path: PathRule = PathRule.CANDLE
    delays: Delays = field(default_factory=Delays)
    max_exposure: Decimal | None = None
    contract: ContractMarket | None = None

    def __post_init__(self) -> None:
        """Refuse an account that no venue could hold, or fees and limits that are not replayed.

        Raises:
            InvalidRequest: with every mistake.
        """
        mistakes = [FieldMistake(*found) for found in self._wrong_with_account()]
        price = self.fees.first_bnb_price
        if price is not None and "BNB" in (self.rules.instrument.base, self.rules.instrument.quote):
            mistakes.append(FieldMistake("bnb_price", "fees in BNB on BNB's own market are not replayed; leave it out"))
        elif price is not None and not _is_whole(price):
            mistakes.append(FieldMistake("bnb_price", f"must have at most 8 decimals, was {price:f}"))
        mistakes += [FieldMistake(*found) for found in self.delays.mistakes]
        mistakes += [FieldMistake(*found) for found in self._wrong_with_contract()]
        mistakes += [FieldMistake(*found) for found in self._wrong_with_trailing()]
        mistakes += [FieldMistake(*found) for found in self._wrong_with_ends()]
        if self.max_exposure is not None:
            mistakes += [FieldMistake("max_exposure", found) for found in wrong_with_limit(self.max_exposure)]
        if mistakes:
            raise InvalidRequest(mistakes)

    @property
    def orders_travel(self) -> bool:
        """Tell whether orders are replayed one by one on their way, be it that the way takes no time.

        With `resting_levels` the price may have passed an order before it is placed; then it takes. With `post_only` it
        waits behind the market.
        """
        return bool(self.delays) or self.plan.request.resting_levels is not None or self.plan.request.post_only

    @property
    def terms(self) -> ContractTerms:
        """Return how the contract is traded.

        Raises:
            ValueError: on spot.
        """
        if self.plan.terms is None:
            raise ValueError("a spot grid has no terms")
        return self.plan.terms

    def _wrong_with_contract(self) -> Iterator[tuple[str, str]]:
        if (self.contract is None) is not (self.rules.instrument.market is Market.SPOT):
            yield "market", "futures are replayed with a contract's funding and brackets, spot without them"
        if self.contract is None:
            return
        if self.plan.terms is None or self.plan.terms.hedge_mode:
            yield "hedge_mode", "contracts are replayed in one-way mode; positions of hedge mode add up to the same"
        if self.fees.first_bnb_price is not None:
            yield "bnb_price", "fees of contracts are replayed in the quote asset alone; leave it out"
        if self.plan.request.resting_levels is not None:
            yield "resting_levels", "is replayed on spot alone so far; leave it out"
        if self.plan.request.post_only:
            yield "post_only", "is replayed on spot alone so far; leave it out"
        if self.delays:
            yield "latency", "delays are replayed on spot alone; leave latency and orders_per_10s out"
        is_netted = self.plan.request.direction is Direction.NEUTRAL and self.fill.kind is FillKind.SHARE
        if self.max_exposure is not None and is_netted:
            yield "max_exposure", "is not replayed for neutral grids that fill by a share of the volume; leave it out"
        if any(amount for asset, amount in self.balances.items() if asset != self.rules.instrument.quote):
            yield "balances", f"a contract's account holds {self.rules.instrument.quote} alone; leave the others out"

    def _wrong_with_trailing(self) -> Iterator[tuple[str, str]]:
        if not self.plan.master:
            return
        limit = "trail_up_to" if self.plan.request.trail_up_to is not None else "trail_down_to"
        told = f"is not replayed for a grid that follows the price ({limit}); leave one of the two out"
        if self.orders_travel:
            asked = {"latency": bool(self.delays), "resting_levels": self.plan.request.resting_levels is not None}
            yield next((name for name, is_asked in asked.items() if is_asked), "post_only"), told
        if self.max_exposure is not None:
            yield "max_exposure", told

    def _wrong_with_ends(self) -> Iterator[tuple[str, str]]:
        """Yield what of how the grid begins and ends by itself is not replayed beside other things asked for."""
        request, asked = self.plan.request, begin_and_end_fields(self.plan.request)
        besides = "latency and orders_per_10s" if self.delays else ""
        besides = "resting_levels" if request.resting_levels is not None else besides
        besides = "post_only" if request.post_only else besides
        besides = "trail_up_to and trail_down_to" if request.trail_up_to or request.trail_down_to else besides
        for name in asked:
            if besides:
                yield name, f"is not replayed together with {besides}; leave one of them out"
        most = self.rules.market_max_quantity
        if asked and 0 < most * MOST_ORDERS < sum(self.plan.quantities) + self.plan.entry_quantity:
            yield asked[0], f"what the grid holds takes more than {MOST_ORDERS} orders at market; use less capital"

    def _wrong_with_account(self) -> Iterator[tuple[str, str]]:
        quote = self.rules.instrument.quote
        names = {quote: "capital", "BNB": "bnb"}
        if self.balances.get(quote, ZERO) <= 0:
            yield "capital", f"the account holds no {quote}; a grid needs some to buy with"
        for asset, amount in self.balances.items():
            field = names.get(asset, "balances")
            if amount < 0:
                yield field, f"{asset} must not be negative, was {amount:f}"
            elif amount > MOST_AMOUNT:
                yield field, f"must be at most {MOST_AMOUNT} {asset}, was {amount:.6g}"
            elif not _is_whole(amount):
                yield field, f"{amount:f} {asset} has more than 8 decimals; no venue keeps more"

    @classmethod
    def of(
        cls,
        request: GridRequest,
        candles: Candles,
        rules: InstrumentRules,
        *,
        balances: Mapping[str, Decimal],
        fees: Fees | None = None,
        fill: FillAssumption | None = None,
        path: PathRule = PathRule.CANDLE,
        delays: Delays | None = None,
        max_exposure: Decimal | None = None,
        min_order_value: Decimal = ZERO,
        contract: ContractMarket | None = None,
    ) -> "Scenario":
        """Plan `request` at the first candle's open, by the live grid's own planning.

        The account's whole quote balance is the capital of a request that names none. A grid that binds more than
        `max_exposure` is refused, as live.

        Raises:
            InvalidRequest: with every mistake found in the request.
        """
        fees = fees or Fees()
        quote = balances.get(rules.instrument.quote, ZERO)
        facts = PreflightFacts(
            rules=rules,
            fees=fees.rates,
            price=from_units(int(candles.open[0])),
            free_quote=quote,
            default_capital=quote,
            min_order_value=min_order_value,
            max_price_distance=Decimal(PPM),
            max_order_notional=ZERO,
            free_exposure=None if contract is None else max_exposure,
            contract=None if contract is None else contract.facts(request, from_units(int(candles.open[0]))),
        )
        plan = plan_grid(request, facts)
        if contract is None and max_exposure is not None and plan.capital_needed > max_exposure:
            raise InvalidRequest([_no_room(plan.capital_needed, max_exposure, rules.instrument.quote)])
        return cls(
            plan=plan,
            rules=rules,
            balances=dict(balances),
            fees=fees,
            fill=fill or FillAssumption(),
            path=path,
            delays=delays or Delays(),
            max_exposure=max_exposure,
            contract=contract,
        )


def wrong_with_limit(limit: Decimal) -> Iterator[str]:
    """Yield why an amount is no limit of exposure that can be replayed."""
    if not 0 < limit <= MOST_AMOUNT:
        yield f"must be above 0 and at most {MOST_AMOUNT}, was {limit:f}"
    elif not _is_whole(limit):
        yield f"must have at most 8 decimals, was {limit:f}"


def _no_room(needed: Decimal, limit: Decimal, quote: str) -> FieldMistake:
    """Say that a grid binds more than the limit allows, so that the live gate's server would refuse it at its start."""
    told = f"the grid needs {plain(needed)} {quote}, more than {plain(limit)}; use less capital, or raise the limit"
    return FieldMistake("max_exposure", told)


def _is_whole(amount: Decimal) -> bool:
    """Return whether `amount` is a whole number of 1e-8."""
    try:
        to_units(amount)
    except (ValueError, ArithmeticError):
        return False
    return True
