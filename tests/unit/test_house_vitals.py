"""What /health, /ready, the heartbeat file and the copies tell of the parts."""

import json
from threading import Event

import pytest

from adapters.heartbeat import EVERY_S, Heartbeat, read_heartbeat
from adapters.storage import open_store
from adapters.storage.backup import scheduled_copies
from adapters.storage.backup_keeper import BackupKeeper
from fakes.house import House, app_of
from fakes.store_examples import SHADOW
from ports.control import PartState
from utils.clock import SystemClock

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WELL = PartState(name="database", alive=True, ready=True)
AWAY = PartState(name="venue", alive=True, ready=False, reason="no answer within 2 s")
DEAD = PartState(name="grid BTCUSDT:spot", alive=False, ready=False, reason="its thread has ended")


class ClockByHand:
    def __init__(self) -> None:
        self.now_ms = 1_795_176_000_000  # 2026-11-20T12:00:00Z

    def wall_ms(self) -> int:
        return self.now_ms

    def market_ms(self) -> int:
        raise AssertionError("market time does not matter here")

    def monotonic_s(self) -> float:
        return self.now_ms / 1000

    def wait(self, stopping: Event, seconds: float) -> bool:
        return stopping.wait(0)


# --- over HTTP ---


def test_ready_answers_200_with_all_parts():
    response = app_of(House()).test_client().get("/ready")
    assert response.status_code == 200
    assert response.json["ready"] is True
    assert response.json["reasons"] == []
    assert [part["name"] for part in response.json["parts"]] == ["database", "venue", "backup"]
    assert response.json["parts"][2]["age_seconds"] == 3600.0


def test_ready_answers_503_with_every_reason_and_health_still_200():
    client = app_of(House(venue_connected=False, database_failure="the disk is full; make room")).test_client()
    response = client.get("/ready")
    assert response.status_code == 503
    assert response.json["reasons"] == [
        "database: the disk is full; make room",
        "venue: the market stream is silent for 12 s",
    ]
    health = client.get("/health")
    assert health.status_code == 200
    assert health.json["status"] == "degraded"


def test_a_dead_part_degrades_health():
    health = app_of(House(database_failure="locked")).test_client().get("/health")
    assert (health.status_code, health.json["status"]) == (200, "degraded")
    assert app_of(House()).test_client().get("/health").json["status"] == "ok"


# --- the heartbeat file ---


class Beating:
    def __init__(self, folder):
        self.clock, self.parts, self.tried = ClockByHand(), [WELL], 0
        self.heart = Heartbeat(folder, lambda: tuple(self.parts), self.clock, self._try)

    def _try(self) -> None:
        self.tried += 1


@pytest.fixture
def beating(tmp_path):
    return Beating(tmp_path)


def test_a_beat_tells_who_when_and_whether_trading_can_go_on(beating, tmp_path):
    beating.heart.beat()
    beat = read_heartbeat(tmp_path)
    assert beat["written_ms"] == beating.clock.now_ms
    assert beat["written_at"] == "2026-11-20T12:00:00.000+00:00"
    assert (beat["format"], beat["every_s"], beat["ready"], beat["waiting_for"]) == (1, EVERY_S, True, [])
    assert beating.tried == 1


def test_a_part_that_waits_beats_on_and_says_for_what(beating, tmp_path):
    beating.parts = [WELL, AWAY]
    beating.heart.beat()
    beat = read_heartbeat(tmp_path)
    assert (beat["ready"], beat["waiting_for"]) == (False, ["venue: no answer within 2 s"])


def test_it_stops_with_the_first_dead_part_says_so_once_and_goes_on(beating, tmp_path, caplog):
    caplog.set_level("INFO")
    beating.heart.beat()
    first = read_heartbeat(tmp_path)
    beating.parts = [WELL, DEAD]
    for _ in range(3):
        beating.clock.now_ms += 5000
        beating.heart.beat()
    assert read_heartbeat(tmp_path) == first
    beating.parts = [WELL]
    beating.heart.beat()
    assert read_heartbeat(tmp_path)["written_ms"] == beating.clock.now_ms
    assert [record.getMessage() for record in caplog.records] == [
        "the heartbeat stops: grid BTCUSDT:spot: its thread has ended",
        "the heartbeat goes on",
    ]


def test_a_clean_stop_takes_the_file_away(tmp_path):
    written = Event()

    def parts():
        written.set()
        return (WELL,)

    heart = Heartbeat(tmp_path, parts, SystemClock(), lambda: None)
    heart.start()
    assert written.wait(60)
    heart.stop()
    assert read_heartbeat(tmp_path) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "[]", "{", "1"])
def test_a_file_that_is_no_beat_is_none(tmp_path, text):
    (tmp_path / "heartbeat.json").write_text(text)
    assert read_heartbeat(tmp_path) is None


# --- scheduled copies ---


@pytest.fixture
def keeper(tmp_path):
    clock = ClockByHand()
    open_store(f"sqlite:///{tmp_path / 'gridhive.db'}", SHADOW, SystemClock()).close()
    return BackupKeeper(tmp_path / "gridhive.db", tmp_path / "backups", 24, clock), clock


def days(folder) -> list[str]:
    return [copy.file.name for copy in scheduled_copies(folder / "backups")]


def test_the_first_copy_is_taken_at_once_and_the_next_a_day_later(keeper, tmp_path):
    keeping, clock = keeper
    keeping.look()
    assert days(tmp_path) == ["gridhive-20261120T120000Z.db"]
    clock.now_ms += DAY_MS - 1
    keeping.look()
    assert len(days(tmp_path)) == 1
    clock.now_ms += 1
    keeping.look()
    assert days(tmp_path) == ["gridhive-20261120T120000Z.db", "gridhive-20261121T120000Z.db"]
    assert keeping.part().age_s == 0


def test_after_two_months_rotation_holds(keeper, tmp_path):
    keeping, clock = keeper
    for _ in range(60):
        keeping.look()
        clock.now_ms += DAY_MS
    assert 9 <= len(days(tmp_path)) <= 10


def test_a_clock_that_was_set_back_makes_a_copy_due(keeper, tmp_path):
    keeping, clock = keeper
    keeping.look()
    clock.now_ms -= 5 * DAY_MS
    keeping.look()
    assert len(days(tmp_path)) == 2


def test_a_failed_copy_is_a_notice_and_one_log_line_until_it_works(keeper, tmp_path, caplog):
    keeping, clock = keeper
    (tmp_path / "backups").write_text("a file stands where the folder belongs")
    for _ in range(3):
        keeping.look()
        clock.now_ms += 60_000
    part = keeping.part()
    assert part.ready
    assert part.notice.startswith("The books could not be copied: ")
    assert part.reason in part.notice
    assert len(caplog.records) == 1
    (tmp_path / "backups").unlink()
    keeping.look()
    assert keeping.part().notice == ""
    assert len(days(tmp_path)) == 1


def test_the_heartbeat_is_one_json_object(beating, tmp_path):
    beating.heart.beat()
    assert json.loads((tmp_path / "heartbeat.json").read_text()) == read_heartbeat(tmp_path)
