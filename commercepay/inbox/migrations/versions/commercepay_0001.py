"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

from commercepay.inbox._schema import refuse_downgrade

revision = "commercepay_0001"
down_revision = None
branch_labels: tuple[str, ...] = ("commercepay",)
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    pending = sa.text("state = 'stored'")
    op.create_table(
        "commercepay_arrivals",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("inbox", sa.String(64), nullable=False),
        sa.Column("received_at", instant, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.Text),
        sa.Column("callback_url", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("settled_at", instant),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("detail", sa.Text),
        sa.Column("reason", sa.String(32)),
        sa.Column("dedup_key", sa.String(64)),
        sa.Column("reference_code", sa.Text),
        sa.Column("transaction_number", sa.Text),
        sa.Column("status", sa.BigInteger),
    )
    op.create_index("ix_commercepay_arrivals_reference_code", "commercepay_arrivals", ["reference_code"])
    op.create_index(
        "ix_commercepay_arrivals_waiting",
        "commercepay_arrivals",
        ["inbox", "attempts", "id"],
        postgresql_where=pending,
        sqlite_where=pending,
    )
    op.create_table(
        "commercepay_handled",
        sa.Column("inbox", sa.String(64), primary_key=True),
        sa.Column("dedup_key", sa.String(64), primary_key=True),
        sa.Column("arrival_id", sa.BigInteger, nullable=False),
        sa.Column("handled_at", instant, nullable=False),
    )


def downgrade() -> None:
    refuse_downgrade()
