from simulator.faults.board import Fault, FaultBoard
from simulator.faults.kinds import FaultKind


def test_a_fault_strikes_the_next_n_that_match_and_no_other() -> None:
    board = FaultBoard()
    board.arm(Fault(FaultKind.LOSE_REPLY, match="spot.order.*", count=2))
    hits = [
        board.strike(FaultKind.LOSE_REPLY, subject, 0) is not None
        for subject in ("spot.ping", "spot.order.new", "spot.order.cancel", "spot.order.new")
    ]
    assert hits == [False, True, True, False]
    assert not board.listing()


def test_kinds_do_not_mix_and_the_oldest_strikes_first() -> None:
    board = FaultBoard()
    first = board.arm(Fault(FaultKind.ACK_DELAY, delay_ms=10))
    second = board.arm(Fault(FaultKind.ACK_DELAY, delay_ms=20))
    assert board.strike(FaultKind.GATEWAY, "spot.ping", 0) is None
    assert board.strike(FaultKind.ACK_DELAY, "spot.ping", 0) is first
    assert board.strike(FaultKind.ACK_DELAY, "spot.ping", 0) is second


def test_a_fault_with_an_end_stops_by_itself() -> None:
    board = FaultBoard()
    board.arm(Fault(FaultKind.THROTTLE, count=None, until_ms=1_000))
    assert board.strike(FaultKind.THROTTLE, "spot.ping", 999)
    assert board.strike(FaultKind.THROTTLE, "spot.ping", 999)
    assert board.strike(FaultKind.THROTTLE, "spot.ping", 1_000) is None
    assert not board.listing()


def test_faults_are_cleared_singly_or_all() -> None:
    board = FaultBoard()
    one = board.arm(Fault(FaultKind.GATEWAY))
    board.arm(Fault(FaultKind.BAD_KEY))
    assert board.clear(one.number) == 1
    assert [fault.kind for fault in board.listing()] == [FaultKind.BAD_KEY]
    assert board.clear() == 1
