"""Runs the steps on the connection that :meth:`Database.migrate` opened."""

from alembic import context

from vispa_panel.store.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
)
context.run_migrations()
