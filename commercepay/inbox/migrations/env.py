"""Alembic's environment, for `create_tables`: it passes the connection, in a transaction."""

from alembic import context

from commercepay.inbox._schema import VERSION_TABLE
from commercepay.inbox._tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
