"""The first books: accounts, grids, orders, fills, equity, and the database's own identity."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_identity()
    _create_grids()
    _create_orders()
    _create_fills()
    _create_equity()


def downgrade() -> None:
    for table in ("equity", "fills", "orders", "grids", "accounts", "meta"):
        op.drop_table(table)


def _create_identity() -> None:
    op.create_table(
        "meta",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("birth", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="meta_is_one_row"),
    )
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
    )


def _create_grids() -> None:
    op.create_table(
        "grids",
        sa.Column("account", sa.Text(), sa.ForeignKey("accounts.id"), primary_key=True),
        sa.Column("grid_id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("phase_reason", sa.Text(), nullable=False),
        sa.Column("on_stop", sa.Text()),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("started_wall_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger()),
    )


def _create_orders() -> None:
    op.create_table(
        "orders",
        sa.Column("seq", BIG_KEY, primary_key=True, autoincrement=True),
        sa.Column("account", sa.Text(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("price_ticks", sa.BigInteger(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("time_in_force", sa.Text()),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("price", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("venue_order_id", sa.BigInteger()),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("account", "client_id", name="orders_client_id"),
        sa.ForeignKeyConstraint(["account", "grid_id"], ["grids.account", "grids.grid_id"], name="orders_grid"),
    )
    op.create_index("orders_by_grid", "orders", ["account", "grid_id", "status"])


def _create_fills() -> None:
    op.create_table(
        "fills",
        sa.Column("seq", BIG_KEY, primary_key=True, autoincrement=True),
        sa.Column("account", sa.Text(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.BigInteger(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("venue_order_id", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("price", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("quote_quantity", sa.Text(), nullable=False),
        sa.Column("commission", sa.Text(), nullable=False),
        sa.Column("commission_asset", sa.Text(), nullable=False),
        sa.Column("is_maker", sa.Boolean(), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("account", "instrument", "trade_id", name="fills_trade_id"),
    )
    op.create_index("fills_by_order", "fills", ["account", "client_id"])


def _create_equity() -> None:
    op.create_table(
        "equity",
        sa.Column("account", sa.Text(), primary_key=True),
        sa.Column("grid_id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("time_ms", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("equity_change", sa.Text(), nullable=False),
        sa.Column("grid_profit", sa.Text(), nullable=False),
        sa.Column("mark_price", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account", "grid_id"], ["grids.account", "grids.grid_id"], name="equity_grid"),
    )
