"""Moves: what changed a grid's own ladder between two fills."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "grid_moves",
        sa.Column("account", sa.Text(), primary_key=True),
        sa.Column("grid_id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("after_trade", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("market_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account", "grid_id"], ["grids.account", "grids.grid_id"], name="grid_moves_grid"),
    )


def downgrade() -> None:
    op.drop_table("grid_moves")
