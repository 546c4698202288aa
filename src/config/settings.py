"""The settings of one run: typed, frozen, read once by an entry file and handed out in sections."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from config.fields import OperationMode, Section
from config.intelligence_settings import AiSettings, RlSettings, SentimentSettings
from config.service_settings import (
    AlertSettings,
    BacktestSettings,
    CacheSettings,
    DatabaseSettings,
    LoggingSettings,
    RedisSettings,
    ServerSettings,
    SimulatorSettings,
    StreamSettings,
)
from config.trading_settings import (
    ApiSettings,
    ExchangeSettings,
    GridSettings,
    PairSelectionSettings,
    RiskSettings,
    TradingSettings,
)
from domain.account import Mode
from domain.instrument import Market

HIDDEN = "***"


class Settings(Section):
    operation_mode: OperationMode = Mode.SHADOW
    """Production, Shadow or Testnet (Test means Testnet), in any case."""
    confirm_production: bool = False
    """Must be true before Production starts; real money is at stake."""
    default_market_type: Market = Market.SPOT
    """Market of a request that names none."""
    api: ApiSettings = ApiSettings()
    exchange: ExchangeSettings = ExchangeSettings()
    grid: GridSettings = GridSettings()
    trading: TradingSettings = TradingSettings()
    pair_selection: PairSelectionSettings = PairSelectionSettings()
    risk_management: RiskSettings = RiskSettings()
    rl_agent: RlSettings = RlSettings()
    sentiment_analysis: SentimentSettings = SentimentSettings()
    ai_agent: AiSettings = AiSettings()
    cache: CacheSettings = CacheSettings()
    alerts: AlertSettings = AlertSettings()
    logging: LoggingSettings = LoggingSettings()
    server: ServerSettings = ServerSettings()
    simulator: SimulatorSettings = SimulatorSettings()
    streams: StreamSettings = StreamSettings()
    backtest: BacktestSettings = BacktestSettings()
    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()

    def credentials(self, mode: Mode) -> tuple[SecretStr, SecretStr]:
        """Return key and secret of `mode`; both empty where none were given, as always in Shadow."""
        match mode:
            case Mode.PRODUCTION:
                return self.api.key, self.api.secret
            case Mode.TESTNET:
                return self.api.testnet_key, self.api.testnet_secret
            case Mode.SHADOW:
                return SecretStr(""), SecretStr("")

    def available_modes(self) -> tuple[Mode, ...]:
        """Return the modes that can run with the keys at hand; Shadow needs none."""
        return tuple(mode for mode in Mode if mode is Mode.SHADOW or all(map(bool, self.credentials(mode))))

    @property
    def starts_first_grid(self) -> bool:
        """Whether a first grid may be started when the books know none."""
        if self.trading.autostart is None:
            return self.operation_mode is not Mode.PRODUCTION
        return self.trading.autostart

    def secrets(self) -> tuple[str, ...]:
        """Return every secret value that was given, for the log's redaction. Show it to nobody."""
        return tuple(text for secret in _secrets_in(self) for text in _parts_of(secret))

    def sanitized(self) -> dict[str, Any]:
        """Return all settings as JSON types, numbers as their exact text, without any secret."""
        return {key: _shown(value) for key, value in self.model_dump(by_alias=True).items()}


def _secrets_in(value: object) -> list[SecretStr]:
    match value:
        case SecretStr():
            return [value] if value else []
        case Section():
            return [secret for _, part in value for secret in _secrets_in(part)]
        case _:
            return []


def _parts_of(secret: SecretStr) -> tuple[str, ...]:
    """A database address counts by its password; its host may be shown."""
    text = secret.get_secret_value()
    if "://" not in text:
        return (text,)
    password = urlsplit(text).password
    return (text, password) if password else (text,)


def _shown(value: object) -> Any:
    match value:
        case SecretStr():
            return _address_without_password(value.get_secret_value())
        case Mapping():
            return {str(key): _shown(part) for key, part in value.items()}
        case list() | tuple():
            return [_shown(part) for part in value]
        case None | bool() | int() | float():
            return value
        case _:
            return str(value)


def _address_without_password(text: str) -> str:
    if "://" not in text:
        return HIDDEN if text else ""
    parts = urlsplit(text)
    where = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, f"{HIDDEN}@{where}" if "@" in parts.netloc else where, parts.path, "", ""))
