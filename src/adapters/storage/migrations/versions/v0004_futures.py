"""What futures add: which position orders and fills change, what closing brought, funding, and the wallet's start."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("orders", sa.Column("position_side", sa.Text(), nullable=False, server_default="BOTH"))
    op.add_column("orders", sa.Column("reduce_only", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("fills", sa.Column("realized_profit", sa.Text(), nullable=False, server_default="0"))
    op.add_column("fills", sa.Column("position_side", sa.Text(), nullable=False, server_default="BOTH"))
    _create_funding()
    _create_baselines()


def downgrade() -> None:
    for table in ("futures_holdings", "futures_baselines", "funding"):
        op.drop_table(table)
    for table, column in (
        ("fills", "position_side"),
        ("fills", "realized_profit"),
        ("orders", "reduce_only"),
        ("orders", "position_side"),
    ):
        op.drop_column(table, column)


def _create_funding() -> None:
    op.create_table(
        "funding",
        sa.Column("seq", BIG_KEY, primary_key=True, autoincrement=True),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("account", "instrument", "payment_id", name="funding_payment_id"),
        sa.ForeignKeyConstraint(["account", "grid_id"], ["grids.account", "grids.grid_id"], name="funding_grid"),
    )
    op.create_index("funding_by_grid", "funding", ["account", "grid_id"])


def _create_baselines() -> None:
    op.create_table(
        "futures_baselines",
        sa.Column("account", sa.Text(), sa.ForeignKey("accounts.id"), primary_key=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("valued_in", sa.Text(), nullable=False),
    )
    op.create_table(
        "futures_holdings",
        sa.Column("account", sa.Text(), sa.ForeignKey("accounts.id"), primary_key=True),
        sa.Column("asset", sa.Text(), primary_key=True),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("price", sa.Text()),
    )
