"""Which pairs are selected: limits, scores, order, and what a missing fact does."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Unreachable, VenueError
from domain.instrument import Market
from domain.pairs import Against, Candidate, PairFacts
from fakes.clock import FakeClock
from fakes.pair_examples import PairVenue, day_of, facts_of, limits_of, pair, waves
from grid.pair_watch import AGAIN_S, APART_S, FIRST_S, PairWatch
from grid.selection.gathering import SHORT_LIST, PairGatherer
from grid.selection.judging import OLDEST_CANDLE_S, OLDEST_FACT_S, judge, ordered
from grid.selection.movement import movement_of

BTC, ETH, FOO = (pair(base) for base in ("BTC", "ETH", "FOO"))
HOUR_S = 3600


def words(candidate: Candidate) -> list[Against]:
    return [reason.word for reason in candidate.against]


def test_the_worked_example_of_the_page() -> None:
    candidate = judge(facts_of(BTC), limits_of(), 5.0)
    assert (candidate.is_accepted, candidate.score) == (True, Decimal("43.82"))


@pytest.mark.parametrize(
    ("change", "against"),
    [
        ({"is_trading": False}, Against.NOT_TRADING),
        ({"volume_usd": Decimal(99_999_999)}, Against.VOLUME),
        ({"spread_percent": Decimal("0.11")}, Against.SPREAD),
        ({"atr_percent": Decimal("1.99")}, Against.ATR),
        ({"adx": Decimal("25.01")}, Against.ADX),
        ({"liquidity_usd": Decimal(999_999)}, Against.DEPTH),
        ({"candles_age_s": OLDEST_CANDLE_S + 1}, Against.STALE),
        ({"troubles": ("the venue does not answer",)}, Against.MISSING),
        *(({name: None}, Against.MISSING) for name in ("volume_usd", "spread_percent", "atr_percent", "adx")),
        ({"liquidity_usd": None}, Against.MISSING),
        ({"candles_age_s": None}, Against.STALE),
    ],
)
def test_each_limit_and_each_missing_fact_refuses_a_pair(change: dict[str, object], against: Against) -> None:
    candidate = judge(facts_of(BTC, **change), limits_of(), 5.0)
    assert (words(candidate), candidate.score) == ([against], None)


def test_the_blacklist_and_old_figures_refuse_a_pair_and_contracts_are_asked_for_open_interest() -> None:
    assert words(judge(facts_of(BTC), limits_of(blacklist=frozenset({"BTCUSDT"})), 5.0)) == [Against.BLACKLISTED]
    assert words(judge(facts_of(BTC), limits_of(), OLDEST_FACT_S + 1)) == [Against.STALE]
    contract = facts_of(pair("BTC", Market.FUTURES), liquidity_usd=Decimal(5))
    assert words(judge(contract, limits_of(Market.FUTURES), 5.0)) == [Against.OPEN_INTEREST]


AMOUNTS = st.decimals(min_value=0, max_value=10**10, places=2)
PERCENTS = st.decimals(min_value=0, max_value=100, places=4)


@st.composite
def any_facts(draw: st.DrawFn) -> PairFacts:
    return facts_of(
        BTC,
        volume_usd=draw(st.none() | AMOUNTS),
        spread_percent=draw(st.none() | PERCENTS),
        atr_percent=draw(st.none() | PERCENTS),
        adx=draw(st.none() | PERCENTS),
        liquidity_usd=draw(st.none() | AMOUNTS),
    )


@settings(max_examples=60, derandomize=True, deadline=None)
@given(any_facts(), st.sampled_from(["volume_usd", "atr_percent", "liquidity_usd", "adx", "spread_percent"]))
def test_better_facts_never_score_less_and_every_score_lies_between_0_and_100(facts: PairFacts, name: str) -> None:
    limits = limits_of(min_volume_usd=Decimal(0), min_atr_percent=Decimal(1), min_liquidity_usd=Decimal(1000))
    before = judge(facts, limits, 0.0)
    value = getattr(facts, name)
    if value is None:
        assert before.score is None
        return
    is_less_better = name in {"adx", "spread_percent"}
    after = judge(replace(facts, **{name: value / 2 if is_less_better else value * 2}), limits, 0.0)
    if before.score is not None:
        assert 0 <= before.score <= 100
        assert after.score is not None
        assert after.score >= before.score


def test_preferred_pairs_come_first_in_their_order_and_refused_ones_last_by_volume() -> None:
    limits = limits_of(preferred=("ETHUSDT", "BTCUSDT"))
    poor, rich = (pair("POOR"), Decimal(5)), (pair("RICH"), Decimal(9))
    refused = [judge(facts_of(it, volume_usd=volume), limits, 0.0) for it, volume in (poor, rich)]
    best, good = facts_of(pair("BEST"), adx=Decimal(1)), facts_of(pair("GOOD"))
    accepted = [judge(facts, limits, 0.0) for facts in (good, best, facts_of(BTC), facts_of(ETH))]
    found = [candidate.instrument.base for candidate in ordered([*refused, *accepted], [limits])]
    assert found == ["ETH", "BTC", "BEST", "GOOD", "RICH", "POOR"]


def test_a_days_range_is_taken_over_whole_days_that_end_now() -> None:
    moved = movement_of(waves(10**12, width="0.02"))
    assert moved is not None
    assert moved.atr_percent == Decimal("2.0101")  # 2 of a last close of 99.5
    assert moved.adx < 25
    assert movement_of(waves(10**12, count=89)) is None


# --- gathering ---


def gatherer(venue: PairVenue, **other: object) -> PairGatherer:
    limits = {market: limits_of(market, min_atr_percent=Decimal(1), **other) for market in Market}
    return PairGatherer(venue, venue, venue.clock, limits)  # type: ignore[arg-type]


def test_only_pairs_that_pass_at_first_sight_are_looked_at_closer() -> None:
    clock = FakeClock()
    days = [day_of(BTC), day_of(FOO, volume=5), day_of(pair("BTC", quote="EUR")), day_of(ETH, bid=Decimal(0))]
    venue = PairVenue(clock, days)
    selection = gatherer(venue, preferred=("ETHUSDT", "GONEUSDT")).select()
    assert venue.asked == ["spot", "BTC 4h", "BTC depth 0.02 1000000", "futures"]
    assert [it.instrument for it in selection.accepted] == [BTC]
    assert {it.instrument.base: words(it) for it in selection.candidates} == {
        "BTC": [],
        "ETH": [Against.MISSING],
        "FOO": [Against.VOLUME],
    }
    spot, futures = selection.markets
    assert (spot.listed, spot.looked_at, spot.unlisted, spot.trouble) == (3, 1, ("GONEUSDT",), "")
    assert (futures.listed, futures.unlisted) == (0, ("ETHUSDT", "GONEUSDT"))


def test_the_short_list_is_bounded_and_preferred_pairs_are_always_on_it() -> None:
    many = [day_of(pair(f"P{place:02}"), volume=10**9 - place) for place in range(SHORT_LIST + 3)]
    venue = PairVenue(FakeClock(), many)
    selection = gatherer(venue, preferred=(f"P{SHORT_LIST + 2}USDT",)).select()
    assert len([question for question in venue.asked if question.endswith(" 4h")]) == SHORT_LIST
    unseen = [it.instrument.base for it in selection.candidates if words(it) == [Against.NOT_LOOKED_AT]]
    assert unseen == ["P19", "P20", "P21"]
    assert selection.candidates[0].instrument.base == "P22"


def test_a_market_or_a_pair_that_does_not_answer_excludes_itself_alone() -> None:
    venue = PairVenue(FakeClock(), [day_of(BTC), day_of(ETH, volume=10**9)])
    venue.failures = {"ETH": VenueError("no such symbol"), "futures": Unreachable("no connection")}
    selection = gatherer(venue).select()
    assert [it.instrument for it in selection.accepted] == [BTC]
    assert [dict(reason.values) for reason in selection.candidates[1].against] == [{"fact": "no such symbol"}]
    assert selection.markets[1].trouble == "no connection"
    venue.failures, venue.asked = {"ETH": Unreachable("no connection")}, []
    assert gatherer(venue).select().accepted == ()
    assert "BTC 4h" not in venue.asked  # nothing more was asked


def test_reading_that_takes_too_long_leaves_facts_too_old_to_select_by() -> None:
    venue = PairVenue(FakeClock(), [day_of(BTC)], seconds=OLDEST_FACT_S / 2)
    (candidate,) = gatherer(venue).select().candidates
    assert words(candidate) == [Against.STALE]


# --- on its interval ---


def test_pairs_are_selected_after_a_minute_and_then_at_the_interval_or_when_asked() -> None:
    clock = FakeClock()
    venue = PairVenue(clock, [day_of(BTC)])
    watch = PairWatch(gatherer(venue).select, clock, every_s=6 * HOUR_S)

    def looks() -> int:
        watch.step()
        return venue.asked.count("spot")

    assert (looks(), watch.shown().stale, watch.accepted(Market.SPOT)) == (0, True, ())
    clock.advance(FIRST_S)
    assert (looks(), watch.shown().stale, watch.accepted(Market.SPOT)) == (1, False, (BTC,))
    clock.advance(6 * HOUR_S - 1)
    assert looks() == 1
    clock.advance(1)
    assert looks() == 2
    watch.refresh()
    assert looks() == 2
    clock.advance(APART_S)
    assert looks() == 3
    assert watch.shown().age_s == 0.0
    clock.advance(12 * HOUR_S + 1)
    assert watch.shown().stale


def test_a_clock_that_is_set_back_makes_the_selection_stale_and_due_instead_of_lasting() -> None:
    clock = FakeClock()
    venue = PairVenue(clock, [day_of(BTC)])
    watch = PairWatch(gatherer(venue).select, clock, every_s=6 * HOUR_S)
    clock.advance(FIRST_S)
    watch.step()
    clock.jump_wall(-86_400_000)
    assert watch.shown().stale
    clock.advance(APART_S)
    watch.step()
    assert (venue.asked.count("spot"), watch.shown().stale) == (2, False)


def test_a_market_that_did_not_answer_is_read_again_before_the_interval_is_over() -> None:
    clock = FakeClock()
    venue = PairVenue(clock, [day_of(BTC)], failures={"futures": Unreachable("no connection")})
    watch = PairWatch(gatherer(venue).select, clock, every_s=6 * HOUR_S)
    watch.refresh()
    watch.step()
    clock.advance(AGAIN_S - 1)
    watch.step()
    assert venue.asked.count("futures") == 1
    clock.advance(1)
    venue.failures = {}
    watch.step()
    selection = watch.shown().selection
    assert selection is not None
    assert [look.trouble for look in selection.markets] == ["", ""]
