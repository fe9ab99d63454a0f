"""Retries with back-off, dead letters, limits of evidence, and the outcomes of handled facts."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from commercepay.inbox._schema import refuse_downgrade

revision = "commercepay_0003"
down_revision = "commercepay_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.add_column("commercepay_arrivals", sa.Column("first_attempt_at", instant))
    op.add_column("commercepay_arrivals", sa.Column("next_attempt_at", instant))
    op.add_column("commercepay_arrivals", sa.Column("digest", sa.String(64)))
    # What is pending is due. It has not been verified yet, unless it failed: it has no key, and so is verified again.
    op.execute(
        "UPDATE commercepay_arrivals SET attempts = 0, next_attempt_at = received_at, fact_key = NULL WHERE state = 'stored'"
    )
    op.drop_index("ix_commercepay_arrivals_waiting", "commercepay_arrivals")
    for name, columns, state in (
        ("pending", ["inbox", "next_attempt_at"], "stored"),
        ("dead", ["inbox"], "dead"),
        ("rejected", ["inbox", "digest"], "rejected"),
    ):
        where = sa.text(f"state = '{state}'")
        index = f"ix_commercepay_arrivals_{name}"
        op.create_index(index, "commercepay_arrivals", columns, postgresql_where=where, sqlite_where=where)
    with op.batch_alter_table("commercepay_handled") as batch:
        batch.alter_column("arrival_id", existing_type=sa.BigInteger, nullable=True)
        batch.add_column(sa.Column("outcome", sa.String(16)))
        batch.add_column(sa.Column("transaction_number", sa.Text))
    rejections = op.create_table(
        "commercepay_rejections",
        sa.Column("inbox", sa.String(64), primary_key=True),
        sa.Column("hour", instant, primary_key=True),
        sa.Column("plausible", sa.Boolean, primary_key=True),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("kept", sa.BigInteger, nullable=False),
        sa.Column("kept_bytes", sa.BigInteger, nullable=False),
    )
    # Those that were rejected so far count for `stats`, and not against the limits.
    arrivals = sa.table("commercepay_arrivals", sa.column("inbox"), sa.column("state"))
    hour = sa.literal(datetime.now(UTC).replace(minute=0, second=0, microsecond=0), instant)
    counted = (
        sa.select(arrivals.c.inbox, hour, sa.false(), sa.func.count(), sa.literal(0), sa.literal(0))
        .where(arrivals.c.state == "rejected")
        .group_by(arrivals.c.inbox)
    )
    op.execute(sa.insert(rejections).from_select([column.name for column in rejections.columns], counted))


def downgrade() -> None:
    refuse_downgrade()
