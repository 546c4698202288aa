"""What is asked of the venue about grids as a whole: to plan one, to take them up again, to tell which are listed.

Everything here may block on the venue; not for grid threads.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from domain.errors import NotFound, VenueError
from domain.events import Balance
from domain.grids import GridRequest
from domain.instrument import Instrument, InstrumentRules, Market
from domain.money import ZERO
from grid.contracts import Contracts
from grid.house import GridDefaults
from grid.preflight import PreflightFacts
from grid.symbol_life import NOT_LISTED
from grid.units import planned_rules
from ports.market_data import AccountReader, MarketData
from ports.store import GridRow
from risk.gate import RiskGate

log = logging.getLogger(__name__)


class VenueFacts:
    """Of one account."""

    def __init__(
        self,
        market_data: MarketData,
        account_reader: AccountReader,
        contracts: Contracts,
        gate: RiskGate,
        defaults: GridDefaults,
    ) -> None:
        self._market_data = market_data
        self._account_reader = account_reader
        self._contracts = contracts
        self._gate = gate
        self._defaults = defaults

    def preflight(self, request: GridRequest, incoming: Decimal = ZERO) -> PreflightFacts:
        """Return what a new grid is planned by: rules, fees, price, balance, and how the contract stands.

        `incoming` is quote that will be free before it starts.
        """
        instrument, limits = request.instrument, self._gate.limits
        (ticker,) = self._market_data.tickers([instrument])
        balances = {balance.asset: balance for balance in self._account_reader.balances(instrument.market)}
        quote = balances.get(instrument.quote, Balance(instrument.quote, ZERO, ZERO))
        on_futures = instrument.market is Market.FUTURES
        return PreflightFacts(
            rules=self._market_data.rules(instrument),
            fees=self._account_reader.fee_rates(instrument),
            price=ticker.price,
            free_quote=quote.free + incoming,
            default_capital=self._defaults.capital,
            min_order_value=self._defaults.min_order_value,
            max_price_distance=limits.max_price_distance,
            max_order_notional=limits.max_order_notional,
            free_exposure=limits.max_exposure - self._gate.exposure(),
            contract=self._contracts.facts(request, quote.total + incoming) if on_futures else None,
        )

    def rules_now(self, rows: Sequence[GridRow]) -> Mapping[int, InstrumentRules]:
        """Return by grid the venue's rules, or those it was planned by; a venue that does not answer is asked once."""
        rules = {row.grid_id: planned_rules(row) for row in rows}
        for row in rows:
            try:
                rules[row.grid_id] = self._market_data.rules(row.instrument)
            except NotFound as error:
                log.warning("grid %d is taken up without trading: %s", row.grid_id, error)
                rules[row.grid_id] = replace(rules[row.grid_id], status=NOT_LISTED)
            except VenueError as error:
                log.warning("grids are taken up by the rules they were planned by: %s", error)
                break
        return rules

    def may_be_listed(self, instrument: Instrument) -> bool:
        """Tell whether the venue lists the instrument, as far as is known."""
        try:
            return self._market_data.rules(instrument).status != NOT_LISTED
        except NotFound:
            return False
        except VenueError:  # whoever wants to show prices will be told
            return True
