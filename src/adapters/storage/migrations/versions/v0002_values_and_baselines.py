"""What fees in third assets were worth, and where an account's own books begin."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_fee_values()
    _create_baselines()


def downgrade() -> None:
    for table in ("trade_marks", "holdings", "baselines", "fee_values"):
        op.drop_table(table)


def _create_fee_values() -> None:
    op.create_table(
        "fee_values",
        sa.Column("seq", BIG_KEY, primary_key=True, autoincrement=True),
        sa.Column("account", sa.Text(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.BigInteger(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("price", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("account", "instrument", "trade_id", name="fee_values_trade_id"),
    )


def _create_baselines() -> None:
    op.create_table(
        "baselines",
        sa.Column("account", sa.Text(), sa.ForeignKey("accounts.id"), primary_key=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("valued_in", sa.Text(), nullable=False),
    )
    op.create_table(
        "holdings",
        sa.Column("account", sa.Text(), sa.ForeignKey("accounts.id"), primary_key=True),
        sa.Column("asset", sa.Text(), primary_key=True),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("price", sa.Text()),
    )
    op.create_table(
        "trade_marks",
        sa.Column("account", sa.Text(), sa.ForeignKey("accounts.id"), primary_key=True),
        sa.Column("instrument", sa.Text(), primary_key=True),
        sa.Column("trade_id", sa.BigInteger(), nullable=False),
    )
