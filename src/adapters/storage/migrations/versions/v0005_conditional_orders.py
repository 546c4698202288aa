"""Conditional orders: stops that wait at the venue, and what became of them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "conditional_orders",
        sa.Column("seq", BIG_KEY, primary_key=True, autoincrement=True),
        sa.Column("account", sa.Text(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("position_side", sa.Text(), nullable=False),
        sa.Column("trigger_price", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Text()),
        sa.Column("price", sa.Text()),
        sa.Column("reduce_only", sa.Boolean(), nullable=False),
        sa.Column("watches", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text()),
        sa.Column("venue_order_id", sa.BigInteger()),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("account", "client_id", name="conditional_orders_client_id"),
        sa.ForeignKeyConstraint(
            ["account", "grid_id"], ["grids.account", "grids.grid_id"], name="conditional_orders_grid"
        ),
    )
    op.create_index("conditional_orders_by_grid", "conditional_orders", ["account", "grid_id"])


def downgrade() -> None:
    op.drop_table("conditional_orders")
