"""A sweep spread over two nodes of a Ray cluster: the identical result."""

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backtest.sweep.command import main
from domain.errors import InvalidRequest, Unreachable
from fakes.backtest_studies import walk
from fakes.sweep_commands import OUTSIDE, write_candles

# Ray's own code warns of what we cannot change.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def address() -> Iterator[str]:
    """Two nodes of one core each, as processes on this machine, without dashboard and without words to Ray's makers."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    pytest.importorskip("ray", reason="no ray: it is installed for tests alone")
    made = importlib.import_module("ray.cluster_utils").Cluster
    node = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80_000_000}
    cluster = made(initialize_head=True, head_node_args=node)
    try:
        cluster.add_node(num_cpus=1, object_store_memory=80_000_000)
        yield cluster.address
    finally:
        cluster.shutdown()


def test_a_cluster_of_two_nodes_finds_the_same(tmp_path: Path, address: str):
    file = tmp_path / "BTCUSDT.csv"
    write_candles(walk(24 * 30), file)
    varied = ["--vary", "spacing_perc=0.1..3:20", "--vary", "initial_levels=3..12"]
    market = ["--symbol", "BTCUSDT", "--data", str(file), "--data-dir", str(tmp_path), "--capital", "10000"]
    ways = {"here": ["--threads", "1"], "there": ["--ray", address]}
    for out, way in ways.items():
        assert main([*market, *varied, *way, "--out", str(tmp_path / out)], "sweep", OUTSIDE) == 0
    here, there = ((tmp_path / out / "results.parquet").read_bytes() for out in ways)
    assert here == there


def test_a_cluster_that_is_not_there_is_told(tmp_path: Path):
    pytest.importorskip("ray", reason="no ray: it is installed for tests alone")
    file = tmp_path / "BTCUSDT.csv"
    write_candles(walk(48), file)
    words = ["--symbol", "BTCUSDT", "--data", str(file), "--data-dir", str(tmp_path), "--capital", "10000"]
    more = ["--set", "initial_levels=5", "--vary", "spacing_perc=1,2", "--out", str(tmp_path / "out")]
    with pytest.raises(Unreachable, match=r"no Ray cluster answers at 127\.0\.0\.1:1"):
        main([*words, *more, "--ray", "127.0.0.1:1"], "sweep", OUTSIDE)
    with pytest.raises(InvalidRequest, match="ray: 'ray://host:x' is no address"):
        main([*words, *more, "--ray", "ray://host:x"], "sweep", OUTSIDE)
    assert not (tmp_path / "out" / "sweep.json").exists()
