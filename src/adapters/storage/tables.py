"""Tables of the books. Every row carries its account, and its instrument where it has one.

Money is exact decimal text, never a number of the database: SQLite would keep it as a binary float.
"""

from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)
from sqlalchemy.engine import Dialect

from domain.money import parse_amount, plain

metadata = MetaData()

# SQLite numbers rows by itself only in a column it calls INTEGER.
BIG_KEY = BigInteger().with_variant(Integer, "sqlite")


class Money(TypeDecorator[Decimal]):
    """An exact decimal, stored as plain text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        if value is None:
            return None
        if not isinstance(value, Decimal) or not value.is_finite():
            raise ValueError(f"money must be a finite Decimal, was {value!r}")
        return plain(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        return None if value is None else parse_amount(value)


meta = Table(
    "meta",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="meta_is_one_row"), primary_key=True),
    Column("instance", Text, nullable=False),
    Column("birth", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("generation", BigInteger, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("venue", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

grids = Table(
    "grids",
    metadata,
    Column("account", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("grid_id", Integer, primary_key=True, autoincrement=False),
    Column("instrument", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("phase_reason", Text, nullable=False),
    Column("on_stop", Text),
    Column("started_ms", BigInteger, nullable=False),
    Column("started_wall_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
)

orders = Table(
    "orders",
    metadata,
    Column("seq", BIG_KEY, primary_key=True, autoincrement=True),
    Column("account", Text, ForeignKey("accounts.id"), nullable=False),
    Column("client_id", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("grid_id", Integer, nullable=False),
    Column("role", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("price_ticks", BigInteger, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("time_in_force", Text),
    Column("quantity", Money, nullable=False),
    Column("price", Money),
    Column("reason", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("venue_order_id", BigInteger),
    Column("updated_ms", BigInteger, nullable=False),
    Column("position_side", Text, nullable=False, server_default="BOTH"),
    Column("reduce_only", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("account", "client_id", name="orders_client_id"),
    ForeignKeyConstraint(["account", "grid_id"], ["grids.account", "grids.grid_id"], name="orders_grid"),
    Index("orders_by_grid", "account", "grid_id", "status"),
)

order_moves = Table(
    "order_moves",
    metadata,
    Column("seq", BIG_KEY, primary_key=True, autoincrement=True),
    Column("account", Text, ForeignKey("accounts.id"), nullable=False),
    Column("client_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("order_moves_by_order", "account", "client_id"),
)

# No foreign key to orders: a fill is never refused.
fills = Table(
    "fills",
    metadata,
    Column("seq", BIG_KEY, primary_key=True, autoincrement=True),
    Column("account", Text, ForeignKey("accounts.id"), nullable=False),
    Column("instrument", Text, nullable=False),
    Column("trade_id", BigInteger, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("venue_order_id", BigInteger, nullable=False),
    Column("side", Text, nullable=False),
    Column("price", Money, nullable=False),
    Column("quantity", Money, nullable=False),
    Column("quote_quantity", Money, nullable=False),
    Column("commission", Money, nullable=False),
    Column("commission_asset", Text, nullable=False),
    Column("is_maker", Boolean, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("realized_profit", Money, nullable=False, server_default="0"),
    Column("position_side", Text, nullable=False, server_default="BOTH"),
    UniqueConstraint("account", "instrument", "trade_id", name="fills_trade_id"),
    Index("fills_by_order", "account", "client_id"),
)

# No foreign key to fills either: a value may be restored before its fill is read again.
fee_values = Table(
    "fee_values",
    metadata,
    Column("seq", BIG_KEY, primary_key=True, autoincrement=True),
    Column("account", Text, ForeignKey("accounts.id"), nullable=False),
    Column("instrument", Text, nullable=False),
    Column("trade_id", BigInteger, nullable=False),
    Column("asset", Text, nullable=False),
    Column("price", Money, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    UniqueConstraint("account", "instrument", "trade_id", name="fee_values_trade_id"),
)

funding = Table(
    "funding",
    metadata,
    Column("seq", BIG_KEY, primary_key=True, autoincrement=True),
    Column("account", Text, nullable=False),
    Column("grid_id", Integer, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("payment_id", BigInteger, nullable=False),
    Column("amount", Money, nullable=False),
    Column("asset", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    UniqueConstraint("account", "instrument", "payment_id", name="funding_payment_id"),
    ForeignKeyConstraint(["account", "grid_id"], ["grids.account", "grids.grid_id"], name="funding_grid"),
    Index("funding_by_grid", "account", "grid_id"),
)

baselines = Table(
    "baselines",
    metadata,
    Column("account", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("valued_in", Text, nullable=False),
)

holdings = Table(
    "holdings",
    metadata,
    Column("account", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("amount", Money, nullable=False),
    Column("price", Money),
)

# The futures wallet begins to count when the account's first contract is traded.
futures_baselines = Table(
    "futures_baselines",
    metadata,
    Column("account", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("valued_in", Text, nullable=False),
)

futures_holdings = Table(
    "futures_holdings",
    metadata,
    Column("account", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("amount", Money, nullable=False),
    Column("price", Money),
)

trade_marks = Table(
    "trade_marks",
    metadata,
    Column("account", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("instrument", Text, primary_key=True),
    Column("trade_id", BigInteger, nullable=False),
)

equity = Table(
    "equity",
    metadata,
    Column("account", Text, primary_key=True),
    Column("grid_id", Integer, primary_key=True, autoincrement=False),
    Column("time_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("equity_change", Text, nullable=False),
    Column("grid_profit", Text, nullable=False),
    Column("mark_price", Text, nullable=False),
    ForeignKeyConstraint(["account", "grid_id"], ["grids.account", "grids.grid_id"], name="equity_grid"),
)

# What changed a grid's own ladder between two fills.
grid_moves = Table(
    "grid_moves",
    metadata,
    Column("account", Text, primary_key=True),
    Column("grid_id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("after_trade", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
    Column("market_ms", BigInteger, nullable=False),
    ForeignKeyConstraint(["account", "grid_id"], ["grids.account", "grids.grid_id"], name="grid_moves_grid"),
)

# The order that one becomes when triggered is among the orders, under the same client id.
conditional_orders = Table(
    "conditional_orders",
    metadata,
    Column("seq", BIG_KEY, primary_key=True, autoincrement=True),
    Column("account", Text, ForeignKey("accounts.id"), nullable=False),
    Column("client_id", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("grid_id", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("position_side", Text, nullable=False),
    Column("trigger_price", Money, nullable=False),
    Column("quantity", Money),
    Column("price", Money),
    Column("reduce_only", Boolean, nullable=False),
    Column("watches", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("status", Text),
    Column("venue_order_id", BigInteger),
    Column("updated_ms", BigInteger, nullable=False),
    UniqueConstraint("account", "client_id", name="conditional_orders_client_id"),
    ForeignKeyConstraint(["account", "grid_id"], ["grids.account", "grids.grid_id"], name="conditional_orders_grid"),
    Index("conditional_orders_by_grid", "account", "grid_id"),
)

# Pairs on their way from one market to the other; `data` is what domain.switches writes.
market_switches = Table(
    "market_switches",
    metadata,
    Column("account", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("data", Text, nullable=False),
)
