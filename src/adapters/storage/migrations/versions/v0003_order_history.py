"""What each order was told to be, one after the other. Of orders that are there already only the newest is known."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "order_moves",
        sa.Column("seq", BIG_KEY, primary_key=True, autoincrement=True),
        sa.Column("account", sa.Text(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
    )
    op.create_index("order_moves_by_order", "order_moves", ["account", "client_id"])
    op.execute(
        "INSERT INTO order_moves (account, client_id, status, at_ms) "
        "SELECT account, client_id, status, updated_ms FROM orders WHERE status <> 'created' ORDER BY seq"
    )


def downgrade() -> None:
    op.drop_table("order_moves")
