"""Plans of faults: what is read, what is refused, when things begin, and that a seed decides the rest."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.faults.board import Fault, FaultBoard
from simulator.faults.course import Course, Undo
from simulator.faults.kinds import KINDS, FaultKind
from simulator.faults.plan import Plan, PlanError
from simulator.faults.teaching import FAULTS_HELP
from simulator.options import OptionsError, parse_options
from simulator.subjects import SUBJECTS

ROOT = Path(__file__).parents[3]


def plan_of(tmp_path: Path, text: str) -> Plan:
    file = tmp_path / "plan.yaml"
    file.write_text(text)
    return Plan.load(file, SUBJECTS)


class Stage:
    """A course whose acts are noted."""

    def __init__(self, plan: Plan) -> None:
        self.board = FaultBoard()
        self.acts: list[str] = []
        self.course = Course(self.board, plan, self._act, (ValueError,))

    def _act(self, fault: Fault) -> Undo | None:
        if fault.kind is FaultKind.BALANCE:
            raise ValueError("not enough money")
        self.acts.append(fault.kind.value)
        return lambda: self.acts.append(f"{fault.kind.value} undone")

    def strikes(self, kind: FaultKind, subjects: list[str]) -> list[bool]:
        return [self.board.strike(kind, subject, 0) is not None for subject in subjects]


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("faults: []", "at least one fault"),
        ("[]", "must hold `seed`"),
        ("sed: 1\nfaults: [{kind: bad_key}]", "did you mean seed"),
        ("seed: x\nfaults: [{kind: bad_key}]", "`seed` must be a whole number"),
        ("faults: [{kind: bad_key}, {kind: lose_rply}]", r"entry 2 \(lose_rply\): `kind`.*did you mean lose_reply"),
        ("faults: [{}]", r"entry 1 \(no kind\): `kind` is missing"),
        ("faults: [{kind: bad_key, cuont: 2}]", "`cuont` is unknown to bad_key; did you mean count"),
        ("faults: [{kind: bad_key, at: -1}]", "`at` must be an amount"),
        ("faults: [{kind: bad_key, at: soon}]", "`at` must be an amount"),
        ("faults: [{kind: bad_key, every: 0}]", "`every` must be above 0"),
        ("faults: [{kind: bad_key, times: 2}]", "`times` needs `every`"),
        ("faults: [{kind: bad_key, jitter: 2}]", "`jitter` needs `at` or `every`"),
        ("faults: [{kind: bad_key, every: 5, jitter: 5}]", "`jitter` must be below `every`"),
        ("faults: [{kind: bad_key, every: 5, seconds: 6}]", "`seconds` must not exceed `every`"),
        ("faults: [{kind: bad_key, chance: 1.5}]", "`chance` must lie above 0"),
        ("faults: [{kind: bad_key, match: spot.acount}]", "did you mean spot.account"),
        ("faults: [{kind: bad_key, count: 1, count: 2}]", "`count` is given twice"),
        ("faults: [{kind: place_order, symbol: BTCUSDT, side: BUY}]", "`quantity` or `value` is needed"),
        ("faults: [{kind: symbol, symbol: BTCUSDT}]", "write what changes"),
        ("faults: [{kind: throttle}]", "`retry_after_s` is missing"),
        ("faults: [{", "is no YAML"),
    ],
)
def test_a_plan_that_cannot_be_followed_names_entry_and_remedy(tmp_path: Path, text: str, remedy: str) -> None:
    with pytest.raises(PlanError, match=remedy):
        plan_of(tmp_path, text)


def test_the_command_line_tells_the_same_and_teaches(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="cannot be read"):
        parse_options(["--faults", str(tmp_path / "none.yaml")])
    file = tmp_path / "plan.yaml"
    file.write_text("faults: [{kind: symbol, symbol: NOSUCH, status: HALT}]")
    plan = parse_options(["--faults", str(file)]).faults
    with pytest.raises(PlanError, match="NOSUCH is not traded here"):
        plan.require_symbols(("BTCUSDT",))
    assert all(f"  {kind} " in FAULTS_HELP and KINDS[kind].meaning in FAULTS_HELP for kind in FaultKind)
    assert "every: 30" in FAULTS_HELP


def test_the_example_is_a_plan_with_every_kind(tmp_path: Path) -> None:
    plan = Plan.load(ROOT / "examples" / "stormy.yaml", SUBJECTS)
    plan.require_symbols(("BTCUSDT", "ETHUSDT", "BNBUSDT"))
    assert {entry.kind for entry in plan.entries} == set(FaultKind)


def test_times_come_with_jitter_and_end(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        "seed: 3\nfaults:\n- {kind: disconnect, at: 10, every: 20, times: 3, jitter: 5}\n"
        "- {kind: balance, asset: USDT, amount: -1.5, at: 1}\n- {kind: gateway, at: 2, seconds: 4}\n",
    )
    stage = Stage(plan)
    stage.course.open(1_000)
    begun: list[int] = []
    for second in range(200):
        before = len(stage.acts)
        stage.course.advance(1_000 + second * 1_000)
        begun += [second] * (len(stage.acts) - before)
        assert stage.board.is_armed(FaultKind.GATEWAY, 1_000 + second * 1_000) == (2 <= second < 6)
    assert [second // 20 for second in begun] == [0, 1, 2]
    assert all(10 <= second % 20 <= 15 for second in begun)
    assert stage.course.armed == 0
    shown = stage.course.listing(201_000)["plan"]
    assert isinstance(shown, list)
    assert [(row["kind"], row["begun"], row["struck"]) for row in shown] == [
        ("disconnect", 3, 3), ("balance", 1, 0), ("gateway", 1, 0),
    ]  # fmt: skip


def test_what_was_changed_for_a_while_is_taken_back_by_the_clock_or_by_hand(tmp_path: Path) -> None:
    text = "faults: [{kind: symbol, symbol: BTCUSDT, status: HALT, seconds: 3, at: 1}]"
    ways: list[Callable[[Stage], None]] = [lambda s: s.course.advance(4_000), lambda s: s.course.clear()]
    for end in ways:
        stage = Stage(plan_of(tmp_path, text))
        stage.course.open(0)
        stage.course.advance(1_000)
        assert (stage.acts, stage.course.armed) == (["symbol"], 1)
        end(stage)
        assert stage.acts == ["symbol", "symbol undone"]
        assert stage.course.armed == 0


@given(seed=st.integers(0, 2**32), strangers=st.lists(st.booleans(), max_size=40))
def test_the_same_seed_and_requests_are_struck_alike_whatever_other_entries_do(
    tmp_path_factory: pytest.TempPathFactory, seed: int, strangers: list[bool]
) -> None:
    text = (
        f"seed: {seed}\nfaults:\n- {{kind: lose_reply, match: spot.order.*, chance: 0.4}}\n"
        "- {kind: latency, chance: 0.5, delay_ms: 1, jitter_ms: 9}\n"
    )
    folder = tmp_path_factory.mktemp("plan")
    orders = ["spot.order.new"] * 30
    quiet, busy = Stage(plan_of(folder, text)), Stage(plan_of(folder, text))
    quiet.course.open(0)
    busy.course.open(0)
    expected = quiet.strikes(FaultKind.LOSE_REPLY, orders)
    seen = []
    for subject, stranger in zip(orders, [*strangers, *[False] * 30], strict=False):
        if stranger:
            busy.strikes(FaultKind.LATENCY, ["spot.ping"])
        seen += busy.strikes(FaultKind.LOSE_REPLY, [subject])
    assert seen == expected
