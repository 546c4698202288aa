"""What the shipped file says, what is refused, and that every mistake is told at once."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.catalogue import NOT_BUILT_YET, all_keys, not_built_yet_in_use, section_names, value_at
from config.loading import SHIPPED_FILE, load_settings
from config.mistakes import ConfigError
from config.settings import Settings
from domain.account import Mode
from domain.instrument import Market


def load(tmp_path: Path, text: str, *argv: str, **environ: str) -> Settings:
    (tmp_path / "own.yaml").write_text(text)
    return load_settings(["--config", "own.yaml", *argv], environ, tmp_path)


def mistakes(tmp_path: Path, text: str, *argv: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, *argv, **environ)
    return str(caught.value).splitlines()


def test_shipped_file_is_safe_and_says_what_the_defaults_say(tmp_path: Path) -> None:
    shipped = load_settings([], {}, tmp_path)
    assert shipped.operation_mode is Mode.SHADOW
    assert shipped.trading.capital_per_pair_usd == Decimal(1000)
    assert shipped.starts_first_grid
    assert shipped.available_modes() == (Mode.SHADOW,)
    assert set(shipped.ai_agent.model_presets) == {
        "qwen3_fast", "qwen3_balanced", "qwen3_detailed", "deepseek_reasoning", "gemma3_fast", "gemma3_balanced",
    }  # fmt: skip
    paths = {"server.data_dir", "logging.log_file", "logging.trade_log_file", "logging.market_performance_log"}
    for key in all_keys().values():
        if key.dotted not in paths:
            assert value_at(shipped, key.path) == key.default, key.dotted
    assert shipped.grid.futures_leverage == Settings().grid.futures_leverage


def test_shipped_file_names_every_key(tmp_path: Path) -> None:
    text = SHIPPED_FILE.read_text()
    for key in all_keys().values():
        assert f"{key.path[-1]}:" in text, key.dotted


def test_an_empty_file_and_empty_sections_mean_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "").grid == Settings().grid
    assert load(tmp_path, "grid:\n  spot:\nalerts:\n").grid == Settings().grid


def test_money_is_read_from_its_text(tmp_path: Path) -> None:
    settings = load(tmp_path, "trading:\n  capital_per_pair_usd: 1000.10000000000000000001\n")
    assert settings.trading.capital_per_pair_usd == Decimal("1000.10000000000000000001")
    assert load(tmp_path, "trading: {capital_per_pair_usd: '8'}").trading.capital_per_pair_usd == 8


@given(amount=st.decimals(min_value=Decimal("0.00000001"), max_value=Decimal(10**12), places=8))
def test_any_amount_survives_the_file_exactly(amount: Decimal, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("money")
    for written in (f"{amount:f}", f"'{amount:f}'"):
        settings = load(folder, f"trading: {{capital_per_pair_usd: {written}}}")
        assert settings.trading.capital_per_pair_usd == amount


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("grid: {inital_levels: 5}", "did you mean `grid.initial_levels`?"),
        ("capital_per_pair_usd: 5", "did you mean `trading.capital_per_pair_usd`?"),
        ("grdi: {}", "did you mean `grid"),
        ("grid: {initial_levels: true}", "must be a whole number"),
        ("grid: {initial_levels: 10.0}", "without a decimal point"),
        ("grid: {initial_levels: 1}", "greater than or equal to 2"),
        ("grid: {initial_spacing_perc: .nan}", "must be a number"),
        ("grid: {initial_spacing_perc: 'inf'}", "must be a finite number"),
        ("grid: {initial_spacing_perc: 5}", "less than 1"),
        ("trading: {capital_per_pair_usd: true}", "must be a number"),
        ("trading: {capital_per_pair_usd: 0}", "greater than 0"),
        ("grid: {leverage: 1, leverage: 2}", "stands twice, first in line 1"),
        ("grid: 5", "is a section"),
        ("default_market_type: options", "must be spot or futures"),
        ("default_market_type: futures\nexchange: {supported_markets: [spot]}", "write spot"),
        ("exchange: {supported_markets: []}", "at least 1 item"),
        ("grid: {leverage: 50}", "write 20 or less"),
        ("grid: {infinity: true}", "write the lowest rung"),
        ("grid: {lower_price: 50000}", "leave it empty, or write infinity: true"),
        ("ai_agent: {preset: nobody}", "write one of qwen3_fast"),
        ("simulator: {market: replay}", "needs at least one file"),
        ("simulator: {from: 2024-01-02, to: 2024-01-01}", "`from` must lie before `to`"),
        ("simulator: {exchange_url: 'http://user:pass@host'}", "no user or password"),
        ("cache:\n  max_size_mb: ${NOT_THERE}", "asks for the environment variable NOT_THERE"),
        ("cache: {max_size_mb: '${open'}", "reference that is not closed"),
        ("server: &a {host: x}\nredis: *a", "refers to a value elsewhere"),
        ("server: {host: !!python/object:os.system x}", "which is not read"),
        ("a: [", "is not YAML"),
        ("- 1", "holds no sections"),
        ("pair_selection: {blacklist: [btc usdt]}", "must be a symbol"),
    ],
)
def test_refused_with_the_key_and_the_remedy(tmp_path: Path, text: str, words: str) -> None:
    lines = mistakes(tmp_path, text)
    assert any(words in line and line.startswith("own.yaml") and ";" in line for line in lines), lines


def test_all_mistakes_are_told_together_each_on_one_line(tmp_path: Path) -> None:
    text = "operation_mode: Prod\ngrid:\n  levles: 3\n  initial_levels: x\n"
    text += "cache: {default_ttl: -1}\nai_agent: {preset: q}\n"
    lines = mistakes(tmp_path, text, "--port", "many", "--prot", GRIDHIVE_HSOT="x")
    starts = [
        "command line: --prot", "GRIDHIVE_HSOT", "own.yaml:1: operation_mode", "own.yaml:4: grid.initial_levels",
        "own.yaml:3: grid.levles", "own.yaml:5: cache.default_ttl", "--port: server.port",
        "own.yaml:6: ai_agent.preset",
    ]  # fmt: skip
    assert len(lines) == len(starts)
    for start in starts:
        assert any(line.startswith(start) for line in lines), start


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: cannot be read"):
        load_settings(["--config", "absent.yaml"], {}, tmp_path)


def test_references_take_the_environment_and_keep_types(tmp_path: Path) -> None:
    text = "server:\n  port: ${WEB_PORT:-6000}\n  host: '${WEB_HOST}'\n"
    settings = load(tmp_path, text, WEB_HOST="0.0.0.0")  # noqa: S104
    assert (settings.server.port, settings.server.host) == (6000, "0.0.0.0")  # noqa: S104
    assert load(tmp_path, text, WEB_HOST="h", WEB_PORT="7").server.port == 7


def test_production_needs_a_confirmation_and_keys(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(["--mode", "production"], {}, tmp_path)
    assert caught.value.exit_code == 2
    assert "add --confirm-production" in str(caught.value)
    assert "BINANCE_API_KEY" in str(caught.value)
    keys = {"BINANCE_API_KEY": "k" * 64, "BINANCE_API_SECRET": "s" * 64}
    with pytest.raises(ConfigError, match="nothing confirms it"):
        load_settings(["--mode", "production"], keys, tmp_path)
    settings = load_settings(["--mode", "PRODUCTION", "--confirm-production"], keys, tmp_path)
    assert settings.operation_mode is Mode.PRODUCTION
    assert not settings.starts_first_grid
    assert settings.available_modes() == (Mode.SHADOW, Mode.PRODUCTION)


@pytest.mark.parametrize("word", ["Test", "TESTNET", "testnet", "test"])
def test_test_means_testnet(tmp_path: Path, word: str) -> None:
    keys = {"BINANCE_TESTNET_API_KEY": "k", "BINANCE_TESTNET_API_SECRET": "s"}
    assert load_settings(["--mode", word], keys, tmp_path).operation_mode is Mode.TESTNET


def test_secrets_are_shown_nowhere(tmp_path: Path) -> None:
    secret = "Zx9-very-secret"
    given_ = {"BINANCE_API_KEY": secret, "TELEGRAM_BOT_TOKEN": secret, "REDDIT_CLIENT_SECRET": secret}
    urls = ["--database-url", f"postgresql://me:{secret}@db/books", "--redis-url", f"redis://:{secret}@cache:6379/0"]
    settings = load_settings(urls, given_, tmp_path)
    shown = json.dumps(settings.sanitized())
    for text in (shown, repr(settings), str(settings), settings.model_dump_json()):
        assert secret not in text
    assert settings.sanitized()["database"]["url"] == "postgresql://***@db/books"
    assert settings.sanitized()["api"]["key"] == "***"
    assert secret in settings.secrets()


def test_errors_never_repeat_a_secret(tmp_path: Path) -> None:
    secret = "Zx9verysecret"
    text = f"api: {{key: '{secret} x', kee: {secret}, secret: [{secret}]}}\ndatabase: {{url: 'mysql://u:{secret}@h'}}"
    assert secret not in "\n".join(mistakes(tmp_path, text))


def test_a_placeholder_of_an_example_file_is_no_key(tmp_path: Path) -> None:
    settings = load_settings(
        [], {"BINANCE_API_KEY": "your_api_key_here", "BINANCE_API_SECRET": "your_secret"}, tmp_path
    )
    assert settings.available_modes() == (Mode.SHADOW,)


def test_a_number_given_as_a_credential_stays_the_text_it_is(tmp_path: Path) -> None:
    settings = load(tmp_path, "alerts: {telegram: {chat_id: -00123}}")
    assert settings.alerts.telegram.chat_id.get_secret_value() == "-00123"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().server.port = 1  # type: ignore[misc]


def test_not_built_yet_names_existing_keys_and_warns_of_changed_ones_only(tmp_path: Path) -> None:
    known = {".".join(path) for path in section_names() | all_keys().keys()}
    assert set(NOT_BUILT_YET) <= known
    assert list(NOT_BUILT_YET) == sorted(set(NOT_BUILT_YET))
    assert not_built_yet_in_use(load_settings([], {}, tmp_path)) == ()
    assert not_built_yet_in_use(load_settings(["--data-dir", "mine"], {}, tmp_path)) == ()
    changed = load(tmp_path, "rl_agent: {training_frequency_steps: 5}\nserver: {port: 1}")
    expected = ("rl_agent.training_frequency_steps",) if "rl_agent" in NOT_BUILT_YET else ()
    assert tuple(name for name in not_built_yet_in_use(changed) if name.startswith(("rl_agent", "server"))) == expected


def test_futures_leverage_wins_over_grid_leverage(tmp_path: Path) -> None:
    assert load(tmp_path, "grid: {leverage: 3}").grid.futures_leverage == 3
    assert load(tmp_path, "grid: {leverage: 3, futures: {leverage: 2}}").grid.futures_leverage == 2


def test_symbols_are_written_either_way(tmp_path: Path) -> None:
    settings = load(tmp_path, "pair_selection: {blacklist: [btc/usdt, ETHUSDT]}\nexchange: {supported_markets: [spot]}")
    assert settings.pair_selection.blacklist == ("BTCUSDT", "ETHUSDT")
    assert settings.exchange.supported_markets == (Market.SPOT,)
