"""What was found, as JSON; and why it may mislead, as keys of the API's sentences with their values."""

from collections.abc import Iterator
from typing import Any, Final

from backtest.candles import Candles
from backtest.data.series import DAY_MS, HOUR_MS
from backtest.suggest import MEASURE, Found, Outcome, Ranked
from backtest.suggest_inputs import price_text
from domain.money import plain

FEW_CYCLES: Final = 30
WANTED_DAYS: Final = 30
FEWEST_STARTS: Final = 3  # for a spread that means something


def told(found: Found) -> dict[str, Any]:
    """Return the result file's content: amounts as exact texts in quote, times in ms."""
    given, candles = found.search.given, found.search.candles
    kept = [row for row in found.ranked if row.outcomes]
    return {
        "symbol": given.symbol,
        "market_source": given.market_source,
        "price": plain(given.price),
        "measure": MEASURE,
        "assumptions": "orders fill only where the price goes beyond theirs; fees are the account's own",
        "candles": _candles(candles, given.interval),
        "volatility": {
            "hourly_range_perc": round(found.moves.hourly_range, 4),
            "daily_move_perc": round(found.moves.daily_move, 4),
        },
        "starts": found.starts,
        "replayed": len(found.ranked),
        "refused": found.refused,
        "within_noise": sum(row.within_noise for row in found.ranked),
        "ranked": [_ranked(row, found) for row in kept],
        "warnings": [{"key": key, "values": values} for key, values in _warnings(found)],
    }


def _candles(candles: Candles, interval: str) -> dict[str, Any]:
    return {
        "interval": interval,
        "count": len(candles),
        "missing": sum(gap.missing for gap in candles.gaps),
        "from_ms": candles.start_ms,
        "until_ms": candles.end_ms,
        "low": price_text(int(candles.low.min())),
        "high": price_text(int(candles.high.max())),
    }


def _ranked(row: Ranked, found: Found) -> dict[str, Any]:
    return {
        "levels": row.shape.levels,
        "spacing_perc": plain(row.shape.spacing),
        "score": round(row.score, 4),
        "scores": [round(score, 4) for score in row.scores],
        "within_noise": row.within_noise,
        "windows": [_outcome(outcome) for outcome in row.outcomes],
        "warnings": [{"key": key, "values": values} for key, values in _against(row, found)],
    }


def _outcome(one: Outcome) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": one.name,
        "from_ms": one.from_ms,
        "until_ms": one.until_ms,
        "seen_when_chosen": {"chosen_on": "all", "held_out": "none"}.get(one.name, "part"),
        "refusal": one.refusal,
    }
    if one.books is None:
        return shown
    amounts = {
        name: plain(getattr(one.books, name))
        for name in ("equity_change", "hold_change", "versus_hold", "grid_profit", "fees", "funding")
    }
    return {
        **shown,
        **amounts,
        "cycles": one.books.cycles,
        "deepest_fall_perc": round(one.fall_percent, 4),
        "time_in_range_perc": round(100 * one.in_range, 2),
    }


def _warnings(found: Found) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what speaks against trusting any of them."""
    given, candles = found.search.given, found.search.candles
    if given.market_source in ("synthetic", "replay", "testnet"):
        yield f"suggest_{given.market_source}", {}
    days = (candles.end_ms - candles.start_ms) / DAY_MS
    if days < WANTED_DAYS - 1:
        yield "suggest_short", {"days": round(days, 1), "wanted": WANTED_DAYS}
    if missing := sum(gap.missing for gap in candles.gaps):
        yield "suggest_gaps", {"missing": missing, "percent": round(100 * candles.missing_share, 1)}
    if candles.interval_ms >= HOUR_MS:
        yield "suggest_coarse", {"interval": given.interval}
    if found.search.guessed_settlements:
        yield "suggest_funding", {"count": found.search.guessed_settlements}
    if found.starts < FEWEST_STARTS:
        yield "suggest_starts", {"starts": found.starts}
    if near := sum(row.within_noise for row in found.ranked):
        yield "suggest_noise", {"near": near, "others": len(found.ranked) - 1}


def _against(row: Ranked, found: Found) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what speaks against trusting one."""
    by_name = {outcome.name: outcome for outcome in row.outcomes}
    whole, held = by_name["last_30_days"].books, by_name["held_out"].books
    if whole is not None and whole.cycles < FEW_CYCLES:
        yield "suggest_few_cycles", {"cycles": whole.cycles, "wanted": FEW_CYCLES}
    if held is not None and held.equity_change < 0:
        quote = found.search.given.rules.instrument.quote
        yield "suggest_lost", {"amount": plain(-held.equity_change), "quote": quote}
    elif held is not None and held.versus_hold < 0:
        yield "suggest_behind_hold", {}
    if row.score <= 0:
        yield "suggest_no_gain", {}
