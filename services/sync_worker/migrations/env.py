"""Alembic's entry: runs on the connection that the database's runner hands over."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=False,
    version_table="catalog_version",  # JobTracker may have its tables in the same PostgreSQL database
)
context.run_migrations()
