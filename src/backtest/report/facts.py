"""A back-test as strict JSON: amounts as exact texts, no NaN, no infinity; what is absent is null with a reason."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from backtest.bnb_market import BnbMarket
from backtest.contract_market import ContractMarket
from backtest.measures import why_no_holding
from backtest.ratios import Absent
from backtest.report import sentences
from backtest.report.doubts import warnings
from backtest.result import Result
from backtest.study import Study
from domain.money import plain
from grid.core.exit_checks import begin_and_end_fields

FORMAT: Final = 1


def facts_of(study: Study) -> dict[str, Any]:
    """Return everything the report tells, as JSON's own values. Times are ms since the epoch or ISO 8601 (UTC)."""
    result, scenario, candles = study.result, study.result.scenario, study.candles
    told: dict[str, Any] = {
        "format": FORMAT,
        "kind": "backtest",
        "made": moment(study.made_ms),
        "headline": sentences.headline(study),
        "warnings": warnings(study),
        "assumptions": sentences.assumptions(study),
        "market": {
            "instrument": scenario.rules.instrument.id,
            "interval": sentences.interval(candles.interval_ms),
            "from": moment(candles.start_ms),
            "until": moment(candles.end_ms),
            "candles": len(candles),
            "trades": study.trades,
            "gaps": [gap._asdict() for gap in candles.gaps],
            "origin": study.origin,
            "first_price": result.first_price,
            "last_price": result.last_price,
        },
        "grid": scenario.plan.request,
        "plan": {
            name: getattr(scenario.plan, name)
            for name in ("start_price", "prices", "gap", "quantity_per_rung", "entry_quantity", "capital_needed")
        }
        | {
            "quantities": scenario.plan.quantities,
            "reserve": scenario.plan.reserve_quantity,
            "profit_per_cycle": scenario.plan.profit_per_cycle,
        },
        "assumed": {
            "balances": dict(scenario.balances),
            "fees": scenario.fees,
            "fill": scenario.fill,
            "fill_origin": study.fill_origin,
            "path": scenario.path,
            "delays": scenario.delays,
            "max_exposure": scenario.max_exposure,
            "rules": {"origin": study.rules.origin, "dated": study.rules.dated, **_rules(study)},
        },
        "contract": contract_facts(result),
        "ends": end_facts(result),
        "money": study.measures.money,
        "risk": study.measures.risk,
        "work": study.measures.work,
        "absent": dict(study.measures.absent),
        "months": study.measures.months,
        "windows": study.windows,
        "bounds": None
        if study.bounds is None
        else {"pessimistic": _short(study.bounds.pessimistic), "optimistic": _short(study.bounds.optimistic)},
        "declared": _short(result),
        "ran_by": result.ran_by,
    }
    return {name: json_value(value) for name, value in told.items()}


def contract_facts(result: Result) -> dict[str, object] | None:
    """Return how a contract was traded and what became of the position; None on spot."""
    told, scenario = result.contract, result.scenario
    if told is None or scenario.contract is None:
        return None
    liquidated = None if told.liquidated_ms is None else moment(told.liquidated_ms)
    return {
        "direction": scenario.plan.request.direction,
        **{name: getattr(scenario.terms, name) for name in ("leverage", "margin_type", "hedge_mode")},
        **{name: getattr(told, name) for name in ("position", "settlements", "liquidation_price", "margin_short")},
        "liquidated": liquidated,
        "liquidated_at": told.liquidated_at,
        "lost": told.lost,
        "funding_from": scenario.contract.funding.source,
        "brackets": scenario.contract.brackets,
    }


def end_facts(result: Result) -> dict[str, object] | None:
    """Return when the grid began and why it ended; None of one that is not asked to do either by itself."""
    if not begin_and_end_fields(result.scenario.plan.request):
        return None
    end, triggered_ms = result.end, result.triggered_ms
    return {
        "triggered": None if triggered_ms is None else moment(triggered_ms),
        "ended": None if end is None else moment(end.at_ms),
        "condition": None if end is None else end.condition,
        "action": None if end is None else end.action,
        "price": None if end is None else end.price,
        "profit": None if end is None else end.profit,
        "rests": None if end is None else end.rests,
    }


def to_json(told: Mapping[str, Any], *, indent: int | None = None) -> str:
    """Return strict JSON text.

    Raises:
        ValueError: for NaN and infinities, which JSON does not have.
    """
    return json.dumps(told, ensure_ascii=False, allow_nan=False, indent=indent)


def json_value(value: object) -> Any:
    """Return a value in JSON's own kinds; amounts as texts."""
    if isinstance(value, Absent):
        return None
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, BnbMarket | ContractMarket):
        return value.told
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {entry.name: json_value(getattr(value, entry.name)) for entry in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): json_value(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(part) for part in value]
    return value


def moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _rules(study: Study) -> dict[str, object]:
    rules = study.rules.rules
    return {name: getattr(rules, name) for name in ("tick", "lot", "min_quantity", "min_notional", "max_open_orders")}


def _short(result: Result) -> dict[str, object]:
    books = result.books
    return {
        "equity_change": books.equity_change,
        "grid_profit": books.grid_profit,
        "fees": books.fees,
        "versus_hold": why_no_holding(result) or books.versus_hold,
        "buys": books.buys,
        "sells": books.sells,
        "cycles": books.cycles,
        "max_drawdown": result.drawdown.fraction,
        "trades_hash": result.trades_hash,
    }
