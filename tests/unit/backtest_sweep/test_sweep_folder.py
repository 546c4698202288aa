"""A sweep on disk: parts, what is missing, and whose it is."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from backtest.overfitting import judge
from backtest.search.effort import Pace
from backtest.sweep.ahead import Needs, check_room, refuse_too_much
from backtest.sweep.folder import PARTS, RESULTS, SweepFolder, cut
from backtest.sweep.luck import judge_winner, sharpe_per_day
from backtest.sweep.options import deciding_words, parse
from backtest.sweep.state import WorkFolder
from backtest.sweep.task import RETURNS
from domain.errors import Conflict, InvalidRequest, NotFound

IDENTITY = {"candles": "a", "grid": "b"}


def part(rows: range) -> pl.DataFrame:
    returns = pl.Series(RETURNS, [[0.5]] * len(rows), dtype=pl.List(pl.Float64))
    return pl.DataFrame({"row": list(rows), "value": [row * row for row in rows]}).with_columns(returns)


def test_what_is_missing_follows_from_the_parts_that_are_whole(tmp_path: Path):
    folder = SweepFolder(tmp_path / "sweep")
    folder.state.begin({"symbol": "X"}, IDENTITY)
    assert folder.missing(20) == [range(20)]
    assert folder.done() is None
    folder.write(part(range(4, 8)))
    folder.write(part(range(12, 20)))
    assert folder.missing(20) == [range(4), range(8, 12)]
    assert cut(folder.missing(20), 3) == [range(3), range(3, 4), range(8, 11), range(11, 12)]
    damaged = tmp_path / "sweep" / PARTS / "0000000-0000003.parquet"
    damaged.write_bytes(b"half a file")
    (tmp_path / "sweep" / PARTS / "0000008-0000011.parquet.writing").write_bytes(b"never finished")
    assert folder.missing(20) == [range(4), range(8, 12)]
    assert not damaged.exists()


def test_the_end_is_the_same_bytes_however_it_was_cut(tmp_path: Path):
    made = []
    for name, size in (("one", 20), ("two", 3)):
        folder = SweepFolder(tmp_path / name)
        folder.state.begin({}, IDENTITY)
        for rows in reversed(cut([range(20)], size)):
            folder.write(part(range(rows[0], rows[-1] + 1)))
        assert not folder.is_finished
        table = folder.finish()
        assert table[RETURNS].to_list() == [[0.5]] * 20
        assert table["row"].to_list() == list(range(20))
        assert not folder.is_finished  # killed before the report is written, it is gone on with
        assert folder.missing(20) == []
        folder.tidy()
        assert folder.is_finished
        made.append((tmp_path / name / RESULTS).read_bytes())
    assert made[0] == made[1]


def test_a_folder_belongs_to_one_sweep(tmp_path: Path):
    folder = WorkFolder(tmp_path / "sweep", "sweep")
    with pytest.raises(NotFound, match="holds no sweep"):
        folder.words()
    folder.begin({"symbol": "X"}, IDENTITY)
    assert folder.words() == {"symbol": "X"}
    folder.check(IDENTITY)
    with pytest.raises(Conflict, match=r"other candles\."):
        folder.check({**IDENTITY, "candles": "z"})
    with pytest.raises(Conflict, match="--resume"):
        folder.begin({}, IDENTITY)
    with (
        folder.working(),
        pytest.raises(Conflict, match="another command"),
        WorkFolder(folder.folder, "sweep").working(),
    ):
        pass
    (folder.folder / "sweep.json").write_text("{}")
    with pytest.raises(Conflict, match="another version"):
        folder.words()
    (folder.folder / "sweep.json").write_text("{")
    with pytest.raises(Conflict, match="cannot be read"):
        folder.words()


def test_files_are_noted_by_their_full_path_so_that_any_folder_goes_on():
    given = ["--symbol", "BTCUSDT", "--out", "s", "--vary", "capital=1,2", "--data", "a.csv", "--data-dir", "here"]
    noted = deciding_words(parse([*given, "--rules", "rules.json"], "test"))
    assert [noted[name] for name in ("data", "data_dir", "rules", "config")] == [
        str(Path.cwd() / "a.csv"),
        str(Path.cwd() / "here"),
        str(Path.cwd() / "rules.json"),
        None,
    ]
    assert deciding_words(parse([*given, "--rules", "builtin"], "test"))["rules"] == "builtin"


def test_a_disk_too_small_is_told_before_work_starts():
    check_room(100, 60, "/there", 40, less="vary less")
    with pytest.raises(InvalidRequest, match=r"out: /there has 99 bytes free .* 60 besides a spare 40; vary less, or"):
        check_room(99, 60, "/there", 40, less="vary less")


def test_what_no_disk_holds_and_what_takes_too_long_is_refused_and_leaves_nothing(tmp_path: Path):
    folder = tmp_path / "not" / "there"
    with pytest.raises(InvalidRequest, match=f"out: {tmp_path} has .*; fewer --trials, or name"):
        refuse_too_much(Needs(1.0, 1 << 62), folder, None, less="fewer --trials")
    with pytest.raises(InvalidRequest, match=r"max-time: .* longer than 30m; fewer --trials, take longer candles"):
        refuse_too_much(Needs(1801.0, 0), folder, "30m", less="fewer --trials")
    refuse_too_much(Needs(1800.0, 0), folder, "30m", less="fewer --trials")
    assert not folder.parent.exists()


def test_a_search_takes_its_proposals_two_replays_of_each_and_a_journal_of_all_windows():
    pace = Pace(proposal_s=0.25, replay_s=2.0, journal_bytes=1000.0)
    needs = pace.needs([(0.5, 100), (1.0, 200)])
    assert needs.seconds == pytest.approx(0.25 * 300 + 2 * 2.0 * (50 + 200))
    assert needs.disk_bytes == 330_000 + 202 * 700 + 8_000_000
    assert pace.needs([(0.5, 0), (1.0, 0)]).seconds == 0


def test_luck_is_judged_as_the_whole_would_be_where_the_sample_is_the_whole():
    returns = np.random.default_rng(5).normal(0.0002, 0.01, (320, 40))
    sharpes = np.array([sharpe_per_day(column) for column in returns.T])
    best = int(sharpes.argmax())
    mine, whole = judge_winner(returns[:, best], returns, sharpes, 40), judge(returns, best)
    assert mine.trials == whole.trials == 40
    assert mine.effective_trials == pytest.approx(whole.effective_trials)
    assert mine.deflated_sharpe == pytest.approx(whole.deflated_sharpe)
    assert mine.overfitting == whole.overfitting
    assert mine.is_probably_luck
    more = judge_winner(returns[:, best], returns, sharpes, 40_000)
    assert more.effective_trials > 30_000
    assert float(more.deflated_sharpe) < float(mine.deflated_sharpe)
    assert judge_winner(np.empty(0), np.empty((0, 0)), np.empty(0), 1).is_probably_luck
