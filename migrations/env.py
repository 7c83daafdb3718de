"""Runs the migrations on the connection that `chatserver.storage.migrate` hands in."""

from alembic import context

from chatserver.storage.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
