"""Sections of the program itself: server, simulator, storage, cache, alerts, logs."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from config.fields import (
    NO_SECRET,
    Amount,
    Count,
    Credential,
    DatabaseUrl,
    FilePath,
    Moment,
    Names,
    Now,
    OptionalPath,
    PortNumber,
    Positive,
    RedisUrl,
    Section,
    Speed,
    Symbols,
    WebUrl,
    Whole,
    capitals,
)

DEFAULT_DATA_DIR = Path("data")


class ServerSettings(Section):
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Address the API listens on."""
    port: PortNumber = 5000
    """Port of the API; 0 takes a free one."""
    data_dir: FilePath = DEFAULT_DATA_DIR
    """Folder for books, simulator state and models. When it is given, relative log paths lie under it."""
    language: Literal["en", "pt"] = "en"
    """Language of messages where a request asks for none."""
    allowed_hosts: Names = ()
    """Host names the API answers for besides loopback ones and `host`, without port."""
    allowed_origins: Names = ()
    """Web origins (scheme://host:port) that may ask besides the page's own."""
    view_threads: Annotated[Count, Field(le=256)] = 16
    """Requests answered at the same time."""


class SimulatorSettings(Section):
    market: Literal["auto", "live", "replay", "synthetic"] = "auto"
    """Shadow's market. auto: replay where files are given, live where Binance answers, else synthetic."""
    replay: Annotated[Names, Field(examples=["BTCUSDT-1m.csv"])] = ()
    """Files of recorded candles or trades, each PATH or [spot:|um:]SYMBOL=PATH."""
    from_ms: Annotated[Moment, Field(alias="from", examples=["2024-08-09T14:30:00Z"])] = None
    """Start of the stretch of a recording that is played (ISO time, UTC unless it names a zone)."""
    to_ms: Annotated[Moment, Field(alias="to", examples=["2024-08-10"])] = None
    """End of that stretch."""
    at: Annotated[Now, Field(examples=["now"])] = None
    """now: the recording's times are shifted so that it begins now. Empty: its own times."""
    speed: Speed = Decimal(1)
    """Market seconds per second, or max for lock-step with the bot."""
    seed: Annotated[Whole, Field(ge=0, lt=2**63)] = 1
    """Seed of the synthetic market; the same seed gives the same prices."""
    faults: Annotated[OptionalPath, Field(examples=["examples/stormy.yaml"])] = None
    """Plan by which Shadow's own simulator misbehaves (docs/simulator.md). Empty: it does not."""
    exchange_url: Annotated[WebUrl, Field(examples=["http://127.0.0.1:8090"])] = None
    """Spot address of a simulator run with --api-key shadow-key --api-secret shadow-secret. Empty: a child process."""
    exchange_futures_url: Annotated[WebUrl, Field(examples=["http://127.0.0.1:8091"])] = None
    """Futures address of a simulator that already runs."""
    balance: Mapping[Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}$")], Amount] = {"USDT": Decimal(10_000)}
    """What Shadow's account holds at first, by asset."""
    futures_balance: Amount = Decimal(10_000)
    """What Shadow's futures wallet holds at first, in USDT."""
    symbols: Annotated[Symbols, Field(min_length=1)] = (
        "BTCUSDT",
        "ETHUSDT",
        "BNBUSDT",
        "SOLUSDT",
        "ADAUSDT",
        "XRPUSDT",
        "DOGEUSDT",
        "LINKUSDT",
    )
    """Symbols of the synthetic market."""

    @model_validator(mode="after")
    def _stretch_and_files(self) -> Self:
        if self.from_ms is not None and self.to_ms is not None and self.from_ms >= self.to_ms:
            raise ValueError("`from` must lie before `to`")
        if self.market == "replay" and not self.replay:
            raise ValueError("market: replay needs at least one file in `replay`")
        return self


class StreamSettings(Section):
    witnesses: bool = True
    """Whether a second stream that speaks every second, traded or not, watches each price stream; in real time only."""
    silence_min_seconds: Annotated[Positive, Field(ge=Decimal("0.5"))] = Decimal(5)
    """Shortest silence of a price stream after which the exchange is asked whether it missed a trade, in seconds."""
    silence_max_seconds: Positive = Decimal(15)
    """Longest such silence, in seconds; between the two it is twice the usual gap between trades of the symbol."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.silence_min_seconds > self.silence_max_seconds:
            raise ValueError("silence_min_seconds must not exceed silence_max_seconds")
        return self


class BackupSettings(Section):
    enabled: bool = True
    """Whether SQLite books are copied to `backups` in the data folder: 7 daily and 4 weekly copies are kept."""
    every_hours: Annotated[Count, Field(le=168)] = 24
    """Hours from one copy to the next, by this machine's clock."""


class BacktestSettings(Section):
    archive_url: WebUrl = "https://data.binance.vision"
    """Address of the public archives of candles, trades and funding rates, or of a mirror. Empty: no downloads."""
    record_prices: bool | None = None
    """Whether the prices each grid hears are kept for `python -m backtest parity`. Empty: in Shadow and Testnet."""
    record_megabytes_per_day: Annotated[Count, Field(le=10_000)] = 32
    """Most that is kept of one grid's day, in MB; days that are over are packed to about a fifth."""
    record_days: Annotated[Count, Field(le=3_650)] = 14
    """Days that are kept; older ones are deleted."""


class DatabaseSettings(Section):
    url: Annotated[DatabaseUrl, Field(examples=["sqlite:///data/books.db"])] = None
    """SQLAlchemy address of the books. Empty: a SQLite file in the data folder."""
    backup: BackupSettings = BackupSettings()


class RedisSettings(Section):
    url: Annotated[RedisUrl, Field(examples=["redis://127.0.0.1:6379/0"])] = None
    """Address of a Redis that carries events to other processes. Empty: none is used."""


class TtlBounds(Section):
    min_seconds: Amount
    """Shortest life of an entry."""
    max_seconds: Positive
    """Longest life of an entry."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_seconds > self.max_seconds:
            raise ValueError("min_seconds must not exceed max_seconds")
        return self


TTL_BY_KIND: Mapping[str, TtlBounds] = {
    kind: TtlBounds(min_seconds=Decimal(shortest), max_seconds=Decimal(longest))
    for kind, shortest, longest in (
        ("ticker", 1, 10),
        ("depth", 1, 5),
        ("klines", 5, 300),
        ("indicators", 5, 300),
        ("exchange_info", 300, 21_600),
        ("balance", 1, 30),
        ("funding", 60, 3600),
        ("open_interest", 60, 3600),
        ("sentiment", 60, 3600),
        ("news", 300, 7200),
        ("ai", 60, 3600),
    )
}


class CacheSettings(Section):
    max_size_mb: Positive = Decimal(100)
    """Largest size of the shared cache, in MB."""
    default_ttl: Positive = Decimal(300)
    """Life of an entry that names none, in seconds."""
    enable_prefetching: bool = True
    """Whether what will soon be asked for is fetched ahead."""
    enable_compression: bool = True
    """Whether large entries are compressed."""
    ttl_by_kind: Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")], TtlBounds] = TTL_BY_KIND
    """Bounds of the adaptive life of an entry, in seconds, by kind of data."""


class TelegramSettings(Section):
    bot_token: Credential = NO_SECRET
    """Token of the Telegram bot."""
    chat_id: Credential = NO_SECRET
    """Chat the bot writes to."""


class AlertSettings(Section):
    enabled: bool = True
    """Whether alerts are sent; without a way to send them they are only shown."""
    market_switch_alerts: bool = True
    """Whether a market switch sends an alert."""
    performance_comparison_alerts: bool = True
    """Whether comparisons of the markets' results send an alert."""
    telegram: TelegramSettings = TelegramSettings()


class LoggingSettings(Section):
    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(capitals)] = "INFO"
    """Least important level that is written."""
    log_to_console: bool = True
    """Whether the log goes to the terminal too."""
    log_file: FilePath = Path("logs/bot.log")
    """The log."""
    trade_log_file: FilePath = Path("logs/trades.csv")
    """Table of all trades."""
    market_performance_log: FilePath = Path("logs/market_performance.csv")
    """Table of results by market."""
    format: Literal["text", "json"] = "text"
    """text: for people. json: one object a line."""
