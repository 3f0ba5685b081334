"""
How alembic reaches the database: by the connection that the server has open,
inside the server's transaction, so that a migration happens whole or not at all.
"""

from alembic import context

from chatroom.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
