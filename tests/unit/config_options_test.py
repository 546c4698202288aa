"""The options every entry point shares: precedence, paths and help."""

import contextlib
import io
from pathlib import Path

import pytest

from config.catalogue import all_keys, value_at
from config.loading import load_settings
from config.mistakes import ConfigError
from config.options import OPTIONS

RUNGS = ("default", "file", "dotenv", "environ", "option")


@pytest.mark.parametrize("highest", range(len(RUNGS)))
def test_each_rung_wins_over_those_below(tmp_path: Path, highest: int) -> None:
    given = RUNGS[1 : highest + 1]
    (tmp_path / "own.yaml").write_text("server: {port: 1001}" if "file" in given else "")
    if "dotenv" in given:
        (tmp_path / ".env").write_text("GRIDHIVE_PORT=1002\n")
    environ = {"GRIDHIVE_PORT": "1003"} if "environ" in given else {}
    argv = ["--config", "own.yaml", *(["--port", "1004"] if "option" in given else [])]
    assert load_settings(argv, environ, tmp_path).server.port == (5000, 1001, 1002, 1003, 1004)[highest]


def test_an_interpolated_name_prefers_the_environment_to_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BINANCE_API_KEY=from_dotenv\nBINANCE_API_SECRET='quoted # text'\n# a remark\n")
    with pytest.raises(ConfigError, match="must not hold spaces"):
        load_settings([], {}, tmp_path)
    (tmp_path / ".env").write_text("BINANCE_API_KEY=from_dotenv\nexport BINANCE_API_SECRET='quoted#text'\n")
    api = load_settings([], {}, tmp_path).api
    assert (api.key.get_secret_value(), api.secret.get_secret_value()) == ("from_dotenv", "quoted#text")
    api = load_settings([], {"BINANCE_API_KEY": "outside", "BINANCE_API_SECRET": ""}, tmp_path).api
    assert (api.key.get_secret_value(), api.secret.get_secret_value()) == ("outside", "quoted#text")


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.key], ids=lambda option: option.name)
def test_every_option_has_a_key_a_variable_and_help(tmp_path: Path, option) -> None:
    (tmp_path / "BTCUSDT-1m.csv").write_text("")
    values = {
        "host": "::1", "port": "7", "data-dir": "d", "mode": "Shadow", "market": "synthetic",
        "replay": "BTCUSDT-1m.csv",
        "from": "2024-08-09", "to": "2024-08-10T00:00:00Z", "at": "now", "speed": "max", "seed": "9",
        "faults": "BTCUSDT-1m.csv", "exchange-url": "http://127.0.0.1:1", "exchange-futures-url": "http://127.0.0.1:2",
        "database-url": "sqlite:///x.db", "redis-url": "redis://h/0", "log-level": "debug",
        "archive-url": "http://h/mirror",
    }  # fmt: skip
    assert option.path in all_keys()
    by_option = [option.flag] if option.sets is not None else [option.flag, values[option.name]]
    by_environ = {option.variable: values.get(option.name, "true")}
    keys = {"BINANCE_API_KEY": "k", "BINANCE_API_SECRET": "s"}
    first = load_settings(by_option, keys, tmp_path)
    second = load_settings([], {**keys, **by_environ}, tmp_path)
    assert value_at(first, option.path) == value_at(second, option.path)
    if option.name != "mode":
        assert value_at(first, option.path) != all_keys()[option.path].default


def test_help_teaches_every_option(tmp_path: Path) -> None:
    out = io.StringIO()
    with pytest.raises(SystemExit) as caught, contextlib.redirect_stdout(out):
        load_settings(["--help"], {}, tmp_path, program="start")
    text = " ".join(out.getvalue().split())
    assert caught.value.code == 0
    for option in OPTIONS:
        assert option.flag in text
        assert option.variable in text
        assert option.key in text
    assert "default 5000" in text


def test_replay_takes_many_files_and_switches_auto_to_replay(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("")
    simulator = load_settings(["--replay", "a.csv", "um:BTCUSDT=b.csv", "--at", "now"], {}, tmp_path).simulator
    assert simulator.replay == (str(tmp_path / "a.csv"), f"um:BTCUSDT={tmp_path / 'b.csv'}")
    assert (simulator.market, simulator.at) == ("replay", "now")
    listed = load_settings([], {"GRIDHIVE_REPLAY": "a.csv, b.csv"}, tmp_path).simulator
    assert len(listed.replay) == 2
    kept = load_settings(["--replay", "a.csv", "--market", "synthetic"], {}, tmp_path).simulator
    assert kept.market == "synthetic"


def test_a_replay_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--replay: simulator.replay: names none.csv"):
        load_settings(["--replay", "none.csv"], {}, tmp_path)


def test_times_are_utc_milliseconds(tmp_path: Path) -> None:
    assert load_settings(["--from", "2024-08-09"], {}, tmp_path).simulator.from_ms == 1723161600000
    with_zone = load_settings(["--from", "1723161600000", "--to", "2024-08-09T03:00:00+02:00"], {}, tmp_path).simulator
    assert (with_zone.from_ms, with_zone.to_ms) == (1723161600000, 1723165200000)


def test_logs_follow_a_data_folder_that_was_given(tmp_path: Path) -> None:
    plain = load_settings([], {}, tmp_path)
    assert (plain.server.data_dir, plain.logging.log_file) == (tmp_path / "data", tmp_path / "logs/bot.log")
    for settings in (
        load_settings(["--data-dir", "mine"], {}, tmp_path),
        load_settings([], {"GRIDHIVE_DATA_DIR": str(tmp_path / "mine")}, tmp_path),
    ):
        assert settings.server.data_dir == tmp_path / "mine"
        assert settings.logging.log_file == tmp_path / "mine/logs/bot.log"
        assert settings.logging.trade_log_file == tmp_path / "mine/logs/trades.csv"
    (tmp_path / "own.yaml").write_text("server: {data_dir: filed}\nlogging: {log_file: /var/log/x.log}")
    filed = load_settings(["--config", "own.yaml"], {}, tmp_path)
    assert filed.logging.log_file == Path("/var/log/x.log")
    assert filed.logging.trade_log_file == tmp_path / "filed/logs/trades.csv"


def test_a_switch_in_the_environment_can_say_no(tmp_path: Path) -> None:
    assert load_settings([], {"GRIDHIVE_NO_AUTOSTART": "false"}, tmp_path).starts_first_grid
    assert not load_settings([], {"GRIDHIVE_NO_AUTOSTART": "1"}, tmp_path).starts_first_grid
    assert not load_settings(["--no-autostart"], {}, tmp_path).starts_first_grid
    with pytest.raises(ConfigError, match="GRIDHIVE_NO_AUTOSTART: must be true or false"):
        load_settings([], {"GRIDHIVE_NO_AUTOSTART": "perhaps"}, tmp_path)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--prot", "5"], r"--prot: is not an option; did you mean --port\?"),
        (["--port"], "expected one argument"),
        (["--confirm"], "--confirm: is not an option"),
        (["--confirm-production=yes"], "ignored explicit argument"),
    ],
)
def test_a_word_that_is_no_option_is_refused(tmp_path: Path, argv: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_settings(argv, {}, tmp_path)


def test_unknown_variables_of_ours_are_refused_and_those_of_tests_are_not(tmp_path: Path) -> None:
    load_settings([], {"GRIDHIVE_TEST_DATA": "x", "GRIDHIVE_HOST": ""}, tmp_path)
    with pytest.raises(ConfigError, match=r"did you mean GRIDHIVE_MARKET\?"):
        load_settings([], {"GRIDHIVE_MARKT": "replay"}, tmp_path)
    (tmp_path / ".env").write_text("GRIDHIVE_MARKT=replay\nnonsense\n")
    with pytest.raises(ConfigError, match=r"\.env:2: is no NAME=value"):
        load_settings([], {}, tmp_path)
