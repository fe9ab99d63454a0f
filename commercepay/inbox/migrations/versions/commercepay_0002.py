"""The key of a fact has another name and formula; the callback URL is stored only if it differs from the inbox's."""

import sqlalchemy as sa
from alembic import op

from commercepay.callbacks import read_verified
from commercepay.inbox._schema import refuse_downgrade

revision = "commercepay_0002"
down_revision = "commercepay_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("commercepay_arrivals") as batch:
        batch.alter_column("dedup_key", new_column_name="fact_key")
        batch.alter_column("callback_url", existing_type=sa.Text, nullable=True)
    with op.batch_alter_table("commercepay_handled") as batch:
        batch.alter_column("dedup_key", new_column_name="fact_key")
    _change_keys()


def _change_keys() -> None:
    """The formulas differ only for text that is not ASCII, which reference codes and transaction numbers rarely are."""
    columns = ("id", "inbox", "reference_code", "transaction_number", "fact_key", "body")
    arrivals = sa.table("commercepay_arrivals", *map(sa.column, columns))
    handled = sa.table("commercepay_handled", *map(sa.column, ("inbox", "fact_key")))
    connection = op.get_bind()
    last = 0
    facts = sa.select(*(arrivals.c[name] for name in columns[:5])).where(arrivals.c.fact_key.is_not(None))
    while rows := connection.execute(facts.where(arrivals.c.id > last).order_by(arrivals.c.id).limit(1000)).all():
        last = rows[-1].id
        for row in rows:
            if f"{row.reference_code}{row.transaction_number}".isascii():
                continue
            body = connection.execute(sa.select(arrivals.c.body).where(arrivals.c.id == row.id)).scalar_one()
            key = read_verified(bytes(body)).fact_key
            connection.execute(sa.update(arrivals).where(arrivals.c.id == row.id).values(fact_key=key))
            new = (handled.c.inbox == row.inbox) & (handled.c.fact_key == key)
            if connection.execute(sa.select(sa.exists().where(new))).scalar_one():
                continue  # two facts of the old formula are one of the new formula
            old = (handled.c.inbox == row.inbox) & (handled.c.fact_key == row.fact_key)
            connection.execute(sa.update(handled).where(old).values(fact_key=key))


def downgrade() -> None:
    refuse_downgrade()
