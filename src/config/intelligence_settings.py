"""Sections of what advises: reinforcement learning, sentiment, local language models."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from config.fields import (
    NO_SECRET,
    Amount,
    Count,
    Credential,
    Fraction,
    Names,
    Positive,
    Ratio,
    Score,
    Section,
    WebUrl,
    Whole,
    listed,
)

StateFeature = Literal["rsi", "atr", "adx", "volume", "grid_context", "market_performance"]
STATE_FEATURES: tuple[StateFeature, ...] = ("rsi", "atr", "adx", "volume", "grid_context", "market_performance")


class RewardSettings(Section):
    profit_weight: Ratio = 1.0
    """Weight of the profit of a step."""
    drawdown_penalty: Ratio = 0.5
    """Weight taken off for drawdown."""
    inefficiency_penalty: Ratio = 0.2
    """Weight taken off for orders that earn nothing."""
    market_switch_penalty: Ratio = 0.1
    """Reward taken off for each market switch."""


class MarketDecisionSettings(Section):
    enabled: bool = True
    """Whether the policy may propose a market."""
    market_switch_reward_bonus: Ratio = 0.1
    """Reward added for a switch that paid."""
    market_consistency_bonus: Ratio = 0.05
    """Reward added for staying where it paid."""


class RlSettings(Section):
    algorithm: Literal["PPO"] = "PPO"
    """Learning algorithm."""
    training_frequency_steps: Count = 1000
    """Decisions between two updates of the policy."""
    retraining_trade_threshold: Count = 100
    """Closed trades after which a new training is due."""
    experience_replay_buffer_size: Count = 10_000
    """Largest number of steps kept for one update."""
    state_features: Annotated[tuple[StateFeature, ...], BeforeValidator(listed), Field(min_length=1)] = STATE_FEATURES
    """What the policy sees."""
    reward_function: RewardSettings = RewardSettings()
    market_decision: MarketDecisionSettings = MarketDecisionSettings()


class RedditSettings(Section):
    enabled: bool = True
    """Whether Reddit is read; without credentials it abstains."""
    subreddits: Names = ("wallstreetbets", "investing", "CryptoCurrency")
    """Subreddits that are read."""
    posts_limit_per_subreddit: Count = 10
    """Posts read from each subreddit."""
    comments_limit_per_post: Annotated[Whole, Field(ge=0, le=1000)] = 5
    """Comments read below each post."""
    time_filter: Literal["hour", "day", "week", "month", "year", "all"] = "day"
    """How far back the best posts are taken from."""
    client_id: Credential = NO_SECRET
    """Id of the Reddit application."""
    client_secret: Credential = NO_SECRET
    """Secret of the Reddit application."""
    user_agent: str = "gridhive/0.1"
    """How the program introduces itself to Reddit."""


class BinanceNewsSettings(Section):
    enabled: bool = True
    """Whether Binance's news are read."""
    fetch_interval_minutes: Positive = Decimal(30)
    """Time between two readings, in minutes."""
    hours_back: Positive = Decimal(24)
    """Age of the oldest item that counts, in hours."""
    min_relevance_score: Fraction = Decimal("0.2")
    """Least relevance (0 to 1) of an item that counts."""
    max_news_per_fetch: Count = 20
    """Most items of one reading."""
    include_announcements: bool = True
    """Whether announcements count."""
    include_general_news: bool = True
    """Whether general news count."""
    include_trending: bool = True
    """Whether the trending feed counts."""


class SentimentAlertSettings(Section):
    enabled: bool = True
    """Whether extreme sentiment sends an alert."""
    positive_threshold: Score = Decimal("0.7")
    """Smoothed score (-1 to 1) from which an alert is sent."""
    negative_threshold: Score = Decimal("-0.5")
    """Smoothed score (-1 to 1) down to which an alert is sent."""
    alert_cooldown_minutes: Amount = Decimal(120)
    """Least time between two alerts of one kind, in minutes."""


class SentimentRiskSettings(Section):
    enabled: bool = True
    """Whether bad sentiment lowers leverage."""
    leverage_reduction_threshold: Score = Decimal("-0.5")
    """Smoothed score (-1 to 1) below which leverage is lowered."""
    leverage_reduction_factor: Fraction = Decimal("0.5")
    """What leverage is multiplied by, rounded down, never below 1."""


class PairFilteringSettings(Section):
    enabled: bool = True
    """Whether bad sentiment keeps a pair from being opened."""
    min_sentiment_for_new_pair: Score = Decimal("-0.3")
    """Least smoothed score (-1 to 1) of a new pair."""


class RlFeatureSettings(Section):
    enabled: bool = True
    """Whether the policy sees the sentiment."""


class SentimentSettings(Section):
    enabled: bool = True
    """Whether sentiment is read at all."""
    fetch_interval_minutes: Positive = Decimal(60)
    """Time between two readings, in minutes."""
    smoothing_window: Count = 10
    """Readings the smoothed score is the mean of."""
    reddit: RedditSettings = RedditSettings()
    binance_news: BinanceNewsSettings = BinanceNewsSettings()
    alerts: SentimentAlertSettings = SentimentAlertSettings()
    risk_adjustment: SentimentRiskSettings = SentimentRiskSettings()
    pair_filtering: PairFilteringSettings = PairFilteringSettings()
    rl_feature: RlFeatureSettings = RlFeatureSettings()


class AiFeatureSettings(Section):
    market_analysis: bool = True
    """Whether the market is described."""
    grid_optimization: bool = True
    """Whether grid parameters are proposed."""
    sentiment_analysis: bool = True
    """Whether the language model scores texts."""
    decision_explanation: bool = True
    """Whether decisions are explained."""
    report_generation: bool = True
    """Whether reports are written; each kind has its own switch below `ai_agent.report_generation`."""


class ReportSettings(Section):
    daily_report: bool = True
    """Whether a report is written each day."""
    pair_analysis: bool = True
    """Whether each pair gets a report."""
    performance_summary: bool = True
    """Whether results are summed up."""


class ModelSettings(Section):
    temperature: Annotated[Ratio, Field(ge=0, le=2)] = 0.3
    """Randomness of an answer (0 to 2); a preset's own value wins."""
    max_tokens: Count = 1000
    """Longest answer in tokens; a preset's own value wins."""
    timeout_seconds: Positive = Decimal(30)
    """Longest wait for an answer, in seconds."""


class ModelPreset(Section):
    model_name: Annotated[str, Field(min_length=1)]
    """Name of the model as Ollama knows it."""
    temperature: Annotated[Ratio, Field(ge=0, le=2)] | None = None
    """Randomness of an answer (0 to 2)."""
    max_tokens: Count | None = None
    """Longest answer in tokens."""


PRESETS: Mapping[str, ModelPreset] = {
    "qwen3_fast": ModelPreset(model_name="qwen3:0.6b", temperature=0.2, max_tokens=500),
    "qwen3_balanced": ModelPreset(model_name="qwen3:1.7b", temperature=0.3, max_tokens=800),
    "qwen3_detailed": ModelPreset(model_name="qwen3:4b", temperature=0.4, max_tokens=1200),
    "deepseek_reasoning": ModelPreset(model_name="deepseek-r1:1.5b", temperature=0.2, max_tokens=1000),
    "gemma3_fast": ModelPreset(model_name="gemma3:1b", temperature=0.3, max_tokens=600),
    "gemma3_balanced": ModelPreset(model_name="gemma3:4b", temperature=0.3, max_tokens=1000),
}


class AiSettings(Section):
    enabled: bool = True
    """Whether the local language model is used."""
    base_url: WebUrl = "http://127.0.0.1:11434"
    """Where Ollama listens."""
    preset: str = "qwen3_fast"
    """Name of the preset in use, one of `ai_agent.model_presets`."""
    features: AiFeatureSettings = AiFeatureSettings()
    analysis_interval_minutes: Positive = Decimal(15)
    """Time between two analyses, in minutes."""
    optimization_interval_hours: Positive = Decimal(4)
    """Time between two proposals for a grid, in hours."""
    report_generation: ReportSettings = ReportSettings()
    model_settings: ModelSettings = ModelSettings()
    model_presets: Mapping[str, ModelPreset] = PRESETS
    """Models by name, each with its own temperature and length."""
