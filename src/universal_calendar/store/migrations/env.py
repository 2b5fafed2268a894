"""Alembic's entry: runs the revisions on the connection that `migrate` opened."""

from alembic import context

from universal_calendar.store.migrations import put_functions

connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    before = context.get_context().get_current_revision()
    context.run_migrations()
    if context.get_context().get_current_revision() != before:
        put_functions(connection.connection.driver_connection)
